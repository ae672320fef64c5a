package learn

import (
	"bytes"
	"net/http"
	"slices"
)

// later is what was seen of an operation that answers before it is done, in words; empty: nothing.
func (op *drafted) later() string {
	switch {
	case op.reads != nil && op.turned:
		return "it answered one thing, and then another, while nothing was asked for but that"
	case op.acts() && slices.ContainsFunc(op.answers(), func(c *seen) bool { return c.Code == http.StatusAccepted }):
		return "it was answered 202"
	}
	return ""
}

// turned tells whether a question got another answer than before, though between the two its
// service was asked for nothing but answers to questions: what was asked about went on by itself.
func (s *Shapes) turned(o *operation) bool {
	for i := range s.run {
		answers := map[string]*seen{} // the last ones, by path and query
		for _, c := range s.run[i].calls {
			switch {
			case c.Service != o.service:
			case c.Method != http.MethodGet && c.Method != http.MethodHead:
				clear(answers)
			case slices.Contains(o.calls, c) && slices.Contains(o.answers(), c):
				asked := c.Path + "?" + c.Query.Encode()
				if last := answers[asked]; last != nil && !bytes.Equal(last.Answer, c.Answer) {
					return true
				}
				answers[asked] = c
			}
		}
	}
	return false
}
