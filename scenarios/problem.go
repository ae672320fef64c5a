package scenarios

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/token"
)

// Problem is one thing that is wrong with a scenario. Its text is
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
		b.WriteString(p.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
		}
		b.WriteString(": ")
	}
	if p.Field != "" {
		b.WriteString(p.Field + ": ")
	}
	return b.String() + p.Reason
}

// at sets the place, if it is known.
func (p *Problem) at(pos *token.Position) {
	if pos != nil {
		p.Line, p.Column = pos.Line, pos.Column
	}
}

// problems collects what is wrong.
type problems []*Problem

func (ps *problems) add(field, format string, args ...any) {
	*ps = append(*ps, &Problem{Field: field, Reason: fmt.Sprintf(format, args...)})
}

// err joins the problems; nil if there are none.
func (ps problems) err() error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p
	}
	return errors.Join(errs...)
}
