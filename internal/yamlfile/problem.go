package yamlfile

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/token"
)

// Problem is one thing that is wrong with a file. Its text is
// "file:line:column: field: reason"; what is not known is left out.
type Problem struct {
	File         string
	Line, Column int    // from 1; 0: not known
	Field        string // steps[2].kind
	Reason       string // quotes the input and says what was expected
}

var _ error = (*Problem)(nil)

func (p *Problem) Error() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File + ":")
	}
	if p.Line > 0 {
		fmt.Fprintf(&b, "%d:%d:", p.Line, p.Column)
	}
	if b.Len() > 0 {
		b.WriteString(" ")
	}
	if p.Field != "" {
		b.WriteString(p.Field + ": ")
	}
	return b.String() + p.Reason
}

// At sets the place, if it is known.
func (p *Problem) At(pos *token.Position) {
	if pos != nil {
		p.Line, p.Column = pos.Line, pos.Column
	}
}

// Problems collects what is wrong.
type Problems []*Problem

// Add notes a problem of a field.
func (ps *Problems) Add(field, format string, args ...any) {
	*ps = append(*ps, &Problem{Field: field, Reason: fmt.Sprintf(format, args...)})
}

// Err joins the problems; nil if there are none.
func (ps Problems) Err() error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p
	}
	return errors.Join(errs...)
}

// In is what an error joins, each as a problem; nil for nil.
func In(err error) Problems {
	var p *Problem
	switch joined, ok := err.(interface{ Unwrap() []error }); {
	case err == nil:
		return nil
	case ok:
		var ps Problems
		for _, e := range joined.Unwrap() {
			ps = append(ps, In(e)...)
		}
		return ps
	case errors.As(err, &p):
		return Problems{p}
	}
	return Problems{{Reason: err.Error()}}
}

// InOrder sorts problems by their place in the file.
func (ps Problems) InOrder() Problems {
	slices.SortStableFunc(ps, func(a, b *Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return ps
}

// Of names the file in each problem.
func (ps Problems) Of(file string) Problems {
	for _, p := range ps {
		p.File = file
	}
	return ps
}

// Touches tells whether a field, something below it, or what it belongs to has a
// problem.
func (ps Problems) Touches(field string) bool {
	return slices.ContainsFunc(ps, func(p *Problem) bool { return below(field, p.Field) || below(p.Field, field) })
}

// below tells whether a field is another one, or belongs to it.
func below(field, other string) bool {
	rest, ok := strings.CutPrefix(field, other)
	return ok && (rest == "" || other == "" || rest[0] == '.' || rest[0] == '[')
}
