package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The command lines that README.md and docs/ print are run by TestPrintedLines, one page after the
// other in a fresh folder: what a page made before is there, as for who reads it from the top. A
// block of code has command lines if it is sh, bash or console, or, indented by four, if one of its
// lines begins with a program of those below. Comments before a block, which nobody sees, say what
// its lines don't:
//
//	<!-- not run: REASON -->     only read by the command line's own parser, for a reason of notRun
//	<!-- exits: CODE -->         ends with another exit code than 0
//	<!-- before: COMMAND -->     is run first
//	<!-- with: FLAGS -->         is run with these flags behind it, in seconds where as printed it takes minutes
//	<!-- file: NAME -->          not commands: the text of a file that the page goes on with
//	<!-- for …: WORDS -->        what the page leaves open by a word that is only …
//
// REASON, CODE and FLAGS may be followed by a colon and how the lines begin of which it is said; else it
// is said of all lines of the block.
type block struct {
	page  string // from the root of the repository
	lines []printed
	marks []mark
	file  string // what its text is written to; else it has lines
	text  string
}

// printed is one command line of a page, with what the page shows that it prints.
type printed struct {
	at     string // page:line
	text   string
	output []string
	with   string // flags that make it smaller
}

// mark is one comment before a block.
type mark struct{ at, key, value, lines string }

// notRun are the reasons for which a line is not run, and what a line must have for each.
var notRun = map[string]*regexp.Regexp{
	"takes-minutes": regexp.MustCompile(`sagacheck (run|explore|mutants|compare)| (make|go|cd) `),
	"after-minutes": regexp.MustCompile(`sagacheck-out/latest|report (diff|trend)`), // of such runs
	"needs-network": regexp.MustCompile(`://|install| (make|go) `),
	"needs-root":    regexp.MustCompile(` (sudo|man) `), // a package that root has installed
	"needs-docker":  regexp.MustCompile(`docker|kubectl|make image`),
	"needs-engine":  regexp.MustCompile(`temporal|n8n|nodered|restate|dtm|dbos`),
	"needs-server":  regexp.MustCompile(`://|worker|--listen`), // a PostgreSQL, NATS or collector
	"needs-browser": regexp.MustCompile(`open|--ui`),
	"needs-yours":   regexp.MustCompile(`mine|[^k]own|my-|before/|/mnt|FILE| A B| DIR|sagas\.yaml|c17-1|TestOrder| learn|known\.yaml|token|our-`), // what the reader has
	"changes-code":  regexp.MustCompile(`-update|make |go mod | git `),
	"goes-on":       regexp.MustCompile(`start |serve|--ui|&$|kill %`), // until somebody ends it
}

// programs begin a command line in a block that is indented only.
var programs = []string{"sagacheck", "make", "go", "docker", "kubectl", "curl", "git", "cd", "export", "pip", "npm"}

var (
	comment    = regexp.MustCompile(`^ *<!-- (not run|exits|with|before|file|for …): (.*?) -->$`)
	assignment = regexp.MustCompile(`^([A-Z_]+=\S* +)+`)
	blanks     = regexp.MustCompile(`   +[^ ]`)
)

// pagesOfDocs are the pages that are read, from the root of the repository.
func pagesOfDocs(t *testing.T) (pages []string) {
	t.Helper()
	for _, glob := range []string{"README.md", "CONTRIBUTING.md", "docs/*.md", "docs/runbooks/*.md", "examples/*/README.md", "engines/*/README.md"} {
		found, err := filepath.Glob(filepath.Join("../..", glob))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v, %v", glob, found, err)
		}
		for _, page := range found {
			pages = append(pages, strings.TrimPrefix(filepath.ToSlash(page), "../../"))
		}
	}
	return pages
}

// printedBlocks are the blocks of a page that have command lines, or are files.
func printedBlocks(page, text string) (found []block, err error) {
	lines := strings.Split(text, "\n")
	var marks []mark
	for i := 0; i < len(lines); i++ {
		if m := comment.FindStringSubmatch(lines[i]); m != nil {
			value, of := m[2], ""
			if m[1] == "not run" || m[1] == "exits" || m[1] == "with" {
				value, of, _ = strings.Cut(m[2], ": ")
			}
			marks = append(marks, mark{fmt.Sprintf("%s:%d", page, i+1), m[1], value, of})
			continue
		}
		if strings.TrimSpace(lines[i]) == "" {
			continue
		}
		b := block{page: page, marks: marks}
		var body []string
		start := i + 1 // of the body, from 0
		fence, indent := strings.TrimSpace(lines[i]), len(lines[i])-len(strings.TrimLeft(lines[i], " "))
		switch {
		case strings.HasPrefix(fence, "```"):
			for i++; i < len(lines) && strings.TrimSpace(lines[i]) != "```"; i++ {
				body = append(body, lines[i][min(indent, len(lines[i])):])
			}
		case indent >= 4 && (i == 0 || strings.TrimSpace(lines[i-1]) == ""):
			start, fence = i, ""
			for ; i < len(lines) && (strings.HasPrefix(lines[i], "    ") || strings.TrimSpace(lines[i]) == ""); i++ {
				body = append(body, lines[i][min(indent, len(lines[i])):])
			}
			i--
			if !slices.ContainsFunc(body, beginsWithProgram) {
				body = nil
			}
		default:
			if len(marks) > 0 {
				return nil, fmt.Errorf("%s: %s: no block follows", marks[0].at, marks[0].key)
			}
			continue
		}
		marks = nil
		if err := b.fill(fence, body, start+1); err != nil {
			return nil, err
		}
		if b.file != "" || len(b.lines) > 0 {
			found = append(found, b)
		}
	}
	return found, nil
}

// fill takes in the lines of a block, the first of which is line number at of its page.
func (b *block) fill(fence string, body []string, at int) error {
	for _, m := range b.marks {
		if m.key == "file" {
			b.file, b.text = m.value, strings.Join(body, "\n")+"\n"
			return nil
		}
	}
	shown := fence == "```console" || fence == "```" && len(body) > 0 && strings.HasPrefix(body[0], "$ ")
	if fence != "" && !shown && fence != "```sh" && fence != "```bash" {
		if len(b.marks) > 0 {
			return fmt.Errorf("%s: %s: a block of command lines must follow", b.marks[0].at, b.marks[0].key)
		}
		return nil
	}
	for i := 0; i < len(body); i++ {
		line, prompt := strings.CutPrefix(body[i], "$ ")
		if shown && !prompt {
			if n := len(b.lines); n > 0 {
				b.lines[n-1].output = append(b.lines[n-1].output, body[i])
			}
			continue
		}
		p := printed{at: fmt.Sprintf("%s:%d", b.page, at+i), text: line}
		for i+1 < len(body) && (strings.HasSuffix(p.text, `\`) || openQuote(p.text)) {
			i++
			p.text += "\n" + body[i]
		}
		if text := withoutTold(p.text, !shown && fence == ""); text != "" {
			p.text = text
			b.lines = append(b.lines, p)
		}
	}
	return b.check()
}

// check says which marks can't be.
func (b *block) check() error {
	for _, m := range b.marks {
		there := m.key == "before" || m.key == "for …" || slices.ContainsFunc(b.lines, m.of)
		if !there {
			return fmt.Errorf("%s: %s: no line of the block begins with %q", m.at, m.key, m.lines)
		}
		if m.key != "not run" {
			continue
		}
		needs, known := notRun[m.value]
		if !known {
			return fmt.Errorf("%s: not run: %q: expected a reason of notRun", m.at, m.value)
		}
		for _, p := range b.lines {
			if m.of(p) && !needs.MatchString(p.at+" "+p.text) {
				return fmt.Errorf("%s: %q is not run as it %s, and has nothing of that", p.at, p.text, m.value)
			}
		}
	}
	return nil
}

// of tells whether a mark is said of a line.
func (m mark) of(p printed) bool { return strings.HasPrefix(p.text, m.lines) }

// said is the value of the mark of a line; of several the last one, which may be of fewer lines.
func (b *block) said(key string, p printed) (value string) {
	for _, m := range b.marks {
		if m.key == key && m.of(p) {
			value = m.value
		}
	}
	return value
}

func beginsWithProgram(line string) bool {
	first, _, _ := strings.Cut(assignment.ReplaceAllString(line, ""), " ")
	return slices.Contains(programs, first)
}

// openQuote tells whether a line ends inside of quotes, with which the next one belongs to it.
func openQuote(text string) bool { _, open := shellWords(text); return open }

// withoutTold is a command line without what is told of it: a comment, and, where that is the way
// of the block, words behind three blanks.
func withoutTold(text string, byBlanks bool) string {
	text = strings.TrimRight(text, " ")
	if strings.HasPrefix(text, "#") || strings.HasPrefix(text, "{") || strings.HasSuffix(text, "[flags]") {
		return "" // of a file that it is for; how a command is called
	}
	if at := blanks.FindStringIndex(text); byBlanks && at != nil && !openQuote(text[:at[0]]) && !strings.Contains(text, "\n") {
		text = text[:at[0]]
	}
	return text
}

// shellWords are the words of a command line as a shell has them, with operators as words of their own,
// as far as pages need that; and whether it ends inside of quotes.
func shellWords(text string) (all []string, open bool) {
	var word strings.Builder
	var quote rune
	inside, escaped, told := false, false, false
	end := func() {
		if inside {
			all = append(all, word.String())
		}
		word.Reset()
		inside = false
	}
	for _, r := range text {
		switch {
		case told:
			told = r != '\n'
		case escaped:
			escaped = false
			if r != '\n' {
				word.WriteRune(r)
				inside = true
			}
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\\':
			escaped = true
		case r == '\'' || r == '"':
			quote, inside = r, true
		case r == ' ' || r == '\n':
			end()
		case r == '#' && !inside:
			told = true
		case strings.ContainsRune("|&;<>", r):
			end()
			all = append(all, string(r))
		default:
			word.WriteRune(r)
			inside = true
		}
	}
	end()
	return all, quote != 0
}

// readPage is the text of a page, by its path from the root of the repository.
func readPage(t *testing.T, page string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../..", page))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
