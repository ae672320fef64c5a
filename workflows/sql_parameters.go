package workflows

import (
	"fmt"
	"regexp"
	"strings"
)

// dialect is how a sort of database writes what this package has to look past.
type dialect struct {
	driver    string
	mark      func(n int) string // of the n-th parameter, from 1
	backslash bool               // escapes inside of '…' and "…"
	hash      bool               // # begins a comment
	dollars   bool               // $$ … $$ and $tag$ … $tag$ are texts
	nested    bool               // a comment may hold comments
	foreign   *regexp.Regexp     // parameters of its own, which would shift ours
}

func question1(int) string { return "?" }

// dialects by the scheme of a data source.
var dialects = map[string]dialect{
	"sqlite": {driver: "sqlite", mark: question1, foreign: regexp.MustCompile(`^(\?\d*|[@$]\w+)`)},
	"mysql":  {driver: "mysql", mark: question1, backslash: true, hash: true, foreign: regexp.MustCompile(`^\?`)},
	"postgres": {
		driver: "pgx", mark: func(n int) string { return fmt.Sprintf("$%d", n) }, dollars: true, nested: true, foreign: regexp.MustCompile(`^\$\d+`),
	},
}

var (
	sqlParameter = regexp.MustCompile(`^:([A-Za-z_]\w*)`)
	dollarTag    = regexp.MustCompile(`^\$(?:[A-Za-z_]\w*)?\$`)
	sqlWord      = regexp.MustCompile(`^[\w\x80-\xff]+`)
)

// parameters puts the marks of a database in the place of :id and :saga, and tells which
// they were, in their order. What stands in texts, names and comments, and casts (::text),
// are none.
func (d dialect) parameters(query string) (marked string, names []string, err error) {
	var out strings.Builder
	for rest := query; rest != ""; {
		n := d.skip(rest)
		switch m := sqlParameter.FindStringSubmatch(rest); {
		case n > 0:
		case m != nil && m[1] != "id" && m[1] != "saga":
			return "", nil, fmt.Errorf("parameter %q: expected :id or :saga", m[0])
		case m != nil:
			names = append(names, m[1])
			out.WriteString(d.mark(len(names)))
			rest = rest[len(m[0]):]
			continue
		case d.foreign.MatchString(rest):
			return "", nil, fmt.Errorf("parameter %q: expected :id or :saga", d.foreign.FindString(rest))
		default:
			n = 1
		}
		out.WriteString(rest[:n])
		rest = rest[n:]
	}
	return out.String(), names, nil
}

// skip is how long the text, name, comment, word or cast is that a query begins with, in
// which nothing is a parameter; 0: it begins with none.
func (d dialect) skip(s string) int {
	switch {
	case s[0] == '\'', s[0] == '"', s[0] == '`':
		return d.quoted(s)
	case strings.HasPrefix(s, "--"), d.hash && s[0] == '#':
		return through(s, "\n")
	case strings.HasPrefix(s, "/*"):
		return d.comment(s)
	case strings.HasPrefix(s, "::"), strings.HasPrefix(s, ":="):
		return 2
	case s[0] == '$' && d.dollars:
		if tag := dollarTag.FindString(s); tag != "" {
			return len(tag) + through(s[len(tag):], tag)
		}
		return 0
	}
	word := sqlWord.FindString(s)
	switch rest := s[len(word):]; {
	case word == "":
		return 0
	case strings.EqualFold(word, "e") && d.dollars && strings.HasPrefix(rest, "'"):
		return len(word) + dialect{backslash: true}.quoted(rest) // E'…' knows backslashes
	case strings.HasPrefix(rest, ":") && !strings.HasPrefix(rest, "::"):
		return len(word) + 1 + len(sqlWord.FindString(rest[1:])) // a[lo:hi]
	}
	return len(word)
}

// quoted is how long the quoted text is that s begins with. A doubled quote ends it and
// begins another at once, which comes to the same.
func (d dialect) quoted(s string) int {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == s[0]:
			return i + 1
		case s[i] == '\\' && d.backslash && s[0] != '`':
			i++
		}
	}
	return len(s)
}

func (d dialect) comment(s string) int {
	for i, depth := 2, 1; i < len(s); i++ {
		switch {
		case strings.HasPrefix(s[i:], "*/"):
			if depth--; depth == 0 || !d.nested {
				return i + 2
			}
			i++
		case strings.HasPrefix(s[i:], "/*"):
			depth++
			i++
		}
	}
	return len(s)
}

// through is how far it is to the end of an end.
func through(s, end string) int {
	if i := strings.Index(s, end); i >= 0 {
		return i + len(end)
	}
	return len(s)
}
