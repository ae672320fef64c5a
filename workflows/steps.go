package workflows

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/sagacheck/sagacheck/saga"
)

func (c *compiler) steps() {
	w := c.w
	seen := map[string]bool{}
	done := map[*Operation]string{}
	all := true // steps name an operation
	for i, s := range w.Steps {
		at := fmt.Sprintf("steps[%d]", i)
		c.name(at+".name", s.Name)
		if seen[s.Name] {
			c.bad(at+".name", "%q is there twice", s.Name)
		}
		for _, a := range s.After {
			if !seen[a] {
				c.bad(at+".after", "%q: expected a step before this one", a)
			}
		}
		seen[s.Name] = true
		switch s.Kind {
		case "", saga.Compensatable, saga.Pivot, saga.Retriable, saga.Deferrable:
		default:
			c.bad(at+".kind", "%q: expected compensatable, pivot, retriable or deferrable", s.Kind)
		}
		do := w.operation(s.Do)
		if why := c.notDoing(do); why != "" {
			c.bad(at+".do", "%q%s: expected an operation that does something: one of %s", s.Do, why, strings.Join(c.doing(), ", "))
			all = false
			continue
		}
		if first, again := done[do]; again {
			c.bad(at+".do", "%q is what the step %s does", s.Do, first)
		}
		done[do] = s.Name
		if undo := w.operation(s.Undo); s.Undo != "" && (undo == nil || undo.Undoes != do.Name || undo.Service != do.Service) {
			c.bad(at+".undo", "%q: expected an operation that undoes %s", s.Undo, s.Do)
		}
	}
	if w.Steps == nil || !all {
		return
	}
	for _, op := range w.Operations() {
		if op != nil && op.Undoes == "" && op.Reads == "" && done[op] == "" {
			c.bad("steps", "no step does services.%s.operations.%s", op.Service, op.Name)
		}
	}
}

// notDoing says why an operation is not what a step does; empty: it may be.
func (c *compiler) notDoing(op *Operation) string {
	switch {
	case op == nil:
		return " is no operation"
	case op.Undoes != "":
		return " undoes " + op.Undoes
	case op.Reads != "":
		return " reads " + op.Reads
	}
	return ""
}

// doing are the operations that a step may do.
func (c *compiler) doing() []string {
	var names []string
	for _, op := range c.w.Operations() {
		if op != nil && c.notDoing(op) == "" {
			names = append(names, op.Service+"."+op.Name)
		}
	}
	return names
}

// hideable is what redact can name.
var hideable = regexp.MustCompile(`^(request\.headers\.[A-Za-z0-9_-]+|(request|answer)\.body(\.[A-Za-z0-9_-]+)+)$`)

func (c *compiler) redact() {
	for i, r := range c.w.Redact {
		if !hideable.MatchString(r) {
			c.bad(fmt.Sprintf("redact[%d]", i), "%q: expected request.headers.NAME, request.body.FIELD or answer.body.FIELD", r)
		}
	}
}
