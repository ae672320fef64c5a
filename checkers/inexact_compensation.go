package checkers

import (
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// InexactCompensation finds compensations whose effect is not the exact inverse
// of their action's effect: another account, another amount, another unit,
// another value of a register.
//
// Source: Garcia-Molina & Salem, "Sagas" (SIGMOD 1987): a compensating
// transaction undoes what its transaction did. Evidence: the effects in
// call-committed. Postings are compared with what the action really booked;
// writes with the value that the action found, or with the one that the
// definition names, since another saga may have written in between. It cannot
// see compensations whose action had no effect (empty-compensation does). Cost:
// linear.
type InexactCompensation struct{}

var _ Checker = InexactCompensation{}

// Doc documents the checker.
func (InexactCompensation) Doc() Doc {
	return Doc{
		Name:       "inexact-compensation",
		Definition: "The effect of a compensation is not the exact inverse of its action's effect: another account, amount, unit or value.",
		Source:     "Garcia-Molina & Salem, Sagas, SIGMOD 1987",
		Clauses:    []Clause{{Name: whole, Text: "TODO"}},
		Evidence:   "the effects recorded in call-committed. At risk: compensations that had an effect and whose action had one.",
		Blind:      "Compensations whose action had no effect (see empty-compensation), and what a participant does beside its ledger.",
		Cost:       "linear",
		Wants:      []Trait{compensations},
	}
}

// Check judges a history.
func (c InexactCompensation) Check(_ *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	for _, s := range ix.Sagas {
		for _, o := range opsOf(s) {
			did := effects(s.Op(o.Op.Step, saga.Action))
			if o.Op.Direction != saga.Compensation || len(did) == 0 || len(o.Effects) == 0 {
				continue
			}
			t.held(whole, 1)
			defined, err := definedEffect(s, o.Op.Step, saga.Action)
			if err != nil {
				t.unknown(whole, "%s: the definition's body is no effect: %v", o.Op, err)
				continue
			}
			for _, e := range o.Effects {
				switch {
				case e.Effect == nil || did[0].Effect == nil:
					t.unknown(whole, "%s: an effect was not recorded", o.Op)
				case !undoes(*e.Effect, *did[0].Effect, defined):
					t.violate(whole, o.Op, []*history.Event{did[0], e}, "broke exact compensation: %s did %s, but its compensation did %s", action(s, o.Op.Step), effectOf(did[0]), effectOf(e))
				}
			}
		}
	}
	return t.verdict("no compensation of an action with an effect had an effect")
}

// undoes tells whether undo is the exact inverse of what was done.
func undoes(undo, did, defined saga.Effect) bool {
	postings := saga.Effect{Postings: undo.Postings}.Equal(saga.Effect{Postings: did.Inverse().Postings})
	return postings && (sameWrites(undo, did.Inverse()) || sameWrites(undo, defined.Inverse()))
}

// sameWrites compares, register by register, the values that were written.
func sameWrites(a, b saga.Effect) bool {
	values := func(e saga.Effect, register string) (vs []string) {
		for _, w := range e.Writes {
			if w.Register == register {
				vs = append(vs, w.To)
			}
		}
		return vs
	}
	if len(a.Writes) != len(b.Writes) {
		return false
	}
	for _, w := range a.Writes {
		if !slices.Equal(values(a, w.Register), values(b, w.Register)) {
			return false
		}
	}
	return true
}
