package workflows

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// Promises are what the workflow promises beyond being a saga. What it does not promise is not judged.
type Promises struct {
	// Start: idempotent: a client may repeat it when the answer was lost. Default: it is sent once.
	Start string `json:"start,omitempty" yaml:"start,omitempty" jsonschema:"enum=idempotent"`
	// Rollback: reverse: steps are undone in the reverse order of their own. Default: in any order.
	Rollback string `json:"rollback,omitempty" yaml:"rollback,omitempty" jsonschema:"enum=reverse"`
	// Calls are the promises of single calls, by the name of a step (its action) or of an operation (charge; payments.charge where two services have one of that name).
	Calls map[string]Promise `json:"-" yaml:",inline" jsonschema:"-"`
}

// Promise is what the workflow promises of one call.
type Promise struct {
	// MaxAttempts is how often it is attempted at the most. Default: 0, any number of times.
	MaxAttempts int `json:"max_attempts,omitempty" yaml:"max_attempts,omitempty" jsonschema:"minimum=0"`
	// Permanent lists the codes of answers that are the last word: it is not attempted again after them, and the saga turns.
	Permanent []int `json:"permanent,omitempty" yaml:"permanent,omitempty" jsonschema:"minimum=400,maximum=499"`
	// SameKey: all attempts carry the same Idempotency-Key, and no other call has it. Default: false.
	SameKey bool `json:"same_key,omitempty" yaml:"same_key,omitempty"`
}

// UnmarshalYAML reads start and rollback, and a call's promises under every other name.
func (p *Promises) UnmarshalYAML(unmarshal func(any) error) error {
	var all map[string]any
	if err := unmarshal(&all); err != nil {
		return err
	}
	b, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, p)
}

// UnmarshalJSON is UnmarshalYAML for JSON.
func (p *Promises) UnmarshalJSON(b []byte) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	for name, field := range map[string]*string{"start": &p.Start, "rollback": &p.Rollback} {
		if raw, given := all[name]; given {
			if err := json.Unmarshal(raw, field); err != nil {
				return err
			}
			delete(all, name)
		}
	}
	p.Calls = map[string]Promise{}
	for name, raw := range all {
		var of Promise
		if err := json.Unmarshal(raw, &of); err != nil {
			return err
		}
		p.Calls[name] = of
	}
	return nil
}

// Promise is what the workflow promises of the calls of an operation.
func (w *Workflow) Promise(op *Operation) Promise { return w.promised[op] }

// Promised is what a workflow promises of its calls, as a judge needs it, by their steps and
// directions, and what else its file says of them.
func (w *Workflow) Promised() map[string]history.Promise {
	all := map[string]history.Promise{}
	for at, op := range w.Calls() {
		p := w.Promise(op)
		of := history.Promise{Permanent: p.Permanent, SameKey: p.SameKey, OwnName: op.namedByCaller()}
		if len(of.Permanent) > 0 || of.SameKey || of.OwnName {
			all[at.String()] = of
		}
	}
	return all
}

// namedByCaller tells whether all that undoes an operation names what it undoes by what the
// workflow has sent, and not by what it was answered, or names nothing, as it undoes whatever was done. What nothing
// undoes, nothing names.
func (op *Operation) namedByCaller() bool {
	return len(op.undoneBy) > 0 && !slices.ContainsFunc(op.undoneBy, func(undo *Operation) bool {
		return strings.Contains(undo.Which, "action.answer") || strings.Contains(undo.Which, "action.id")
	})
}

// promises checks them, and finds the operations that they are of.
func (c *compiler) promises() {
	p := c.w.Promises
	if p.Start != "" && p.Start != "idempotent" {
		c.bad("promises.start", "%q: expected idempotent", p.Start)
	}
	if p.Rollback != "" && p.Rollback != "reverse" {
		c.bad("promises.rollback", "%q: expected reverse", p.Rollback)
	}
	c.w.promised = map[*Operation]Promise{}
	by := map[*Operation]string{}
	for _, name := range slices.Sorted(maps.Keys(p.Calls)) {
		at := "promises." + name
		c.promise(at, p.Calls[name])
		op := c.promising(at, name)
		if op == nil {
			continue
		}
		if first, again := by[op]; again {
			c.bad(at, "is of the same calls as promises.%s", first)
		}
		by[op] = name
		c.w.promised[op] = p.Calls[name]
	}
}

func (c *compiler) promise(at string, p Promise) {
	if p.MaxAttempts < 0 {
		c.bad(at+".max_attempts", "%d: expected 1 or more, or 0 for any number of times", p.MaxAttempts)
	}
	for i, code := range p.Permanent {
		if code < 400 || code > 499 {
			c.bad(fmt.Sprintf("%s.permanent[%d]", at, i), "%d: expected the code of a refusal, 400 to 499", code)
		}
	}
}

// promising is the operation whose promises have a name; nil: there is none, or several.
func (c *compiler) promising(at, name string) *Operation {
	var found []*Operation
	for _, s := range c.w.Steps {
		if op := c.w.operation(s.Do); s.Name == name && op != nil {
			return op
		}
	}
	for _, op := range c.w.Operations() {
		if op != nil && op.Reads == "" && (op.Name == name || op.Service+"."+op.Name == name) {
			found = append(found, op)
		}
	}
	switch len(found) {
	case 0:
		c.bad(at, "%q: expected start, rollback, or the name of a step or of an operation that does or undoes something: one of %s", name, strings.Join(c.promisable(), ", "))
		return nil
	case 1:
		return found[0]
	}
	var full []string
	for _, op := range found {
		full = append(full, op.Service+"."+op.Name)
	}
	c.bad(at, "%q is the name of several operations: expected one of %s", name, strings.Join(full, ", "))
	return nil
}

// promisable are the names that promises can have.
func (c *compiler) promisable() []string {
	var names []string
	for _, s := range c.w.Steps {
		names = append(names, s.Name)
	}
	for _, op := range c.w.Operations() {
		if op != nil && op.Reads == "" {
			names = append(names, op.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// capabilities are what the workflow promises, in the words of the contract.
func (w *Workflow) capabilities() []string {
	able := []string{"dag", "pivot", "deferrable"}
	add := func(yes bool, name string) {
		if yes {
			able = append(able, name)
		}
	}
	some := func(given func(Promise) bool) bool {
		for _, p := range w.promised {
			if given(p) {
				return true
			}
		}
		return false
	}
	add(w.Promises.Start == "idempotent", "idempotent-submit")
	add(w.Promises.Rollback == "reverse", "reverse-order")
	add(some(func(p Promise) bool { return p.MaxAttempts > 0 }), "max-attempts")
	add(some(func(p Promise) bool { return len(p.Permanent) > 0 }), "permanent-errors")
	add(some(func(p Promise) bool { return p.SameKey }), "idempotency-key")
	return able
}

// Calls are the calls of the plan's steps, each with its operation.
func (w *Workflow) Calls() map[saga.StepRef]*Operation {
	calls := map[saga.StepRef]*Operation{}
	for _, p := range w.Plan() {
		calls[saga.StepRef{Step: p.Name, Direction: saga.Action}] = p.Do
		if p.Undo != nil {
			calls[saga.StepRef{Step: p.Name, Direction: saga.Compensation}] = p.Undo
		}
	}
	return calls
}
