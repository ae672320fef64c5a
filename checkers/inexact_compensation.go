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
		Clauses: []Clause{
			{Name: inPostings, Text: "a compensation books exactly the opposite of what its action really booked: the same accounts, units and amounts", Wants: []Trait{undoablePostings}},
			{Name: inWrites, Text: "a compensation sets each register that its action set back to the value that the action found, or that the definition names", Wants: []Trait{undoableWrites}},
		},
		Evidence: "the effects recorded in call-committed.",
		Blind:    "Compensations whose action had no effect (see empty-compensation), and what a participant does beside its ledger.",
		Cost:     "linear",
		Wants:    []Trait{compensations},
	}
}

// The two sorts of effects.
const (
	inPostings = "postings"
	inWrites   = "registers"
)

// Check judges a history.
func (c InexactCompensation) Check(_ *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	for _, s := range ix.Sagas {
		for _, o := range opsOf(s) {
			did := effects(s.Op(o.Op.Step, saga.Action))
			switch {
			case o.Op.Direction != saga.Compensation || len(did) == 0 || len(o.Effects) == 0:
			case s.Op(o.Op.Step, saga.Action).Misled():
				t.unjudgeable(inPostings, misled)
			default:
				judgeInverse(t, s, o, did[0])
			}
		}
	}
	return t.verdict("no compensation of an action with an effect had an effect")
}

// judgeInverse compares each effect of a compensation with what its action did.
func judgeInverse(t *tally, s *history.SagaRecord, o *history.OpRecord, did *history.Event) {
	defined, err := definedEffect(s, o.Op.Step, saga.Action)
	for _, e := range o.Effects {
		if e.Effect == nil || did.Effect == nil {
			t.unknown(inPostings, "an effect was not recorded")
			continue
		}
		undo, done := *e.Effect, *did.Effect
		wrong := func(clause string) {
			t.violate(clause, o.Op, []*history.Event{did, e}, "broke exact compensation: %s did %s, but its compensation did %s", action(s, o.Op.Step), effectOf(did), effectOf(e))
		}
		switch {
		case len(undo.Postings)+len(done.Postings) == 0:
		case !samePostings(undo, done.Inverse()):
			wrong(inPostings)
		default:
			t.held(inPostings, 1)
		}
		switch {
		case len(undo.Writes)+len(done.Writes) == 0:
		case err != nil:
			t.unknown(inWrites, "the definition's body is no effect: %v", err)
		case !sameWrites(undo, done.Inverse()) && !sameWrites(undo, defined.Inverse()):
			wrong(inWrites)
		default:
			t.held(inWrites, 1)
		}
	}
}

func samePostings(a, b saga.Effect) bool {
	return saga.Effect{Postings: a.Postings}.Equal(saga.Effect{Postings: b.Postings})
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
