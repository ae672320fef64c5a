package checkers

import (
	"fmt"
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// InexactCompensation finds compensations whose effect is not the exact inverse
// of their action's effect: another account, another amount, another unit,
// another value of a register. Of one that is done part by part (a refund for each
// item) the parts add up, and at no moment to more than was taken.
//
// Source: Garcia-Molina & Salem, "Sagas" (SIGMOD 1987): a compensating
// transaction undoes what its transaction did. Evidence: the effects in
// call-committed. Postings are compared with what the action really booked;
// writes with the value that the action found, or with the one that the
// definition names, since another saga may have written in between. It cannot
// see compensations whose action had no effect (empty-compensation does), nor of parts which of
// them is too small where another is too large. What parts leave is lost-compensation's matter.
// Cost: linear.
type InexactCompensation struct{}

var _ Checker = InexactCompensation{}

// Doc documents the checker.
func (InexactCompensation) Doc() Doc {
	return Doc{
		Name:       "inexact-compensation",
		Definition: "The effect of a compensation is not the exact inverse of its action's effect: another account, amount, unit or value; or its parts add up to more than was taken.",
		Source:     "Garcia-Molina & Salem, Sagas, SIGMOD 1987",
		Clauses: []Clause{
			{Name: inPostings, Text: "a compensation, or all of its parts together, books exactly the opposite of what its action really booked, but for what a workflow's file says that stays: the same accounts, units and amounts", Wants: []Trait{undoablePostings}},
			{Name: inSum, Text: "a compensation that is done part by part gives back, with each part, no more than is left of what its action took, and nothing else; nor is it refused because it asks for more", Wants: []Trait{undosInParts}},
			{Name: inWrites, Text: "a compensation sets each register that its action set back to the value that the action found, or that the definition names", Wants: []Trait{undoableWrites}},
		},
		Evidence:  "the effects recorded in call-committed.",
		Prevented: "Undoing what the record of the action says was done, and not what is computed anew.",
		Blind:     "Compensations whose action had no effect (see empty-compensation), and what a participant does beside its ledger. Of parts only the sum is known: what they leave is told by lost-compensation, and a part that is too small hides one that is too large.",
		Cost:      "linear",
		Wants:     []Trait{compensations},
	}
}

// What is compared: the two sorts of effects, and the sum of parts.
const (
	inPostings = "postings"
	inSum      = "parts"
	inWrites   = "registers"
)

// Check judges a history.
func (c InexactCompensation) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	for _, s := range ix.Sagas {
		for _, step := range s.Definition.Steps {
			act := s.Op(step.Name, saga.Action)
			did, undone := effects(act), undoEffects(s, step.Name)
			judgeRefused(t, h, s, step)
			switch {
			case len(did) == 0 || len(undone) == 0:
			case act.Misled():
				t.unjudgeable(inPostings, misled)
			case inParts(step):
				for _, e := range did {
					judgeParts(t, s, step, e)
				}
			default:
				judgeInverse(t, s, s.Op(step.Name, saga.Compensation), step, did[0])
			}
		}
	}
	return t.verdict("no compensation of an action with an effect had an effect")
}

// judgeInverse compares each effect of a compensation with what its action did, but for what
// stays of that.
func judgeInverse(t *tally, s *history.SagaRecord, o *history.OpRecord, step saga.Step, did *history.Event) {
	defined, err := definedEffect(s, o.Op.Step, saga.Action)
	for _, e := range o.Effects {
		if e.Effect == nil || did.Effect == nil {
			t.unknown(inPostings, "an effect was not recorded")
			continue
		}
		undo, done := *e.Effect, *did.Effect
		wrong := func(clause string) {
			t.violate(clause, o.Op, []*history.Event{did, e}, "broke exact compensation: %s did %s, but its compensation did %s%s", action(s, o.Op.Step), effectOf(did), effectOf(e), whatStays(step))
		}
		switch {
		case len(undo.Postings)+len(done.Postings) == 0:
		case step.Keeps == nil && !samePostings(undo, done.Inverse()), step.Keeps != nil && !givesBack(step, did, e):
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

// givesBack tells whether an effect books back exactly what another one took, but for what stays.
func givesBack(step saga.Step, did, undo *history.Event) bool {
	o := owedFor(step, did)
	given := map[string]int64{}
	post(given, *undo.Effect)
	for account, n := range given {
		o.postings[account] -= n
	}
	for _, rest := range o.postings {
		if rest != 0 {
			return false
		}
	}
	return true
}

func whatStays(step saga.Step) string {
	if step.Keeps == nil {
		return ""
	}
	return fmt.Sprintf(" (of which %s stays)", step.Keeps)
}

// judgeParts adds up what the parts of a compensation gave back of an effect.
func judgeParts(t *tally, s *history.SagaRecord, step saga.Step, did *history.Event) {
	o := owedFor(step, did)
	events := []*history.Event{did}
	seen := map[saga.Operation]bool{}
	for _, part := range partsOf(s, step.Name, did, always) {
		if op := part.Operation(); seen[op] {
			continue // the same part a second time is duplicate-compensation's matter
		} else {
			seen[op] = true
		}
		events = append(events, part)
		if part.Effect == nil || did.Effect == nil {
			t.unknown(inSum, "an effect was not recorded")
			return
		}
		if wrong := o.give(part); wrong != "" {
			t.violate(inSum, part.Operation(), events, "broke exact compensation: %s did %s%s, and %s did %s: %s", action(s, step.Name), effectOf(did), whatStays(step), part.Operation(), effectOf(part), wrong)
			return
		}
		t.held(inSum, 1)
	}
	if len(events) == 1 || !o.left(did).IsZero() {
		return // what is left is lost-compensation's matter
	}
	if len(did.Effect.Postings) > 0 {
		t.held(inPostings, 1)
	}
	if len(did.Effect.Writes) > 0 {
		t.held(inWrites, 1)
	}
}

// judgeRefused finds compensations that were to give back more than was taken, and were refused.
func judgeRefused(t *tally, h *history.History, s *history.SagaRecord, step saga.Step) {
	clause := inPostings
	if inParts(step) {
		clause = inSum
	}
	for _, o := range s.Undos(step.Name) {
		for _, a := range o.Attempts {
			for _, e := range a.Answered {
				switch {
				case e.Detail != history.MoreThanTaken:
				case s.Op(step.Name, saga.Action).Misled():
					t.unjudgeable(clause, misled)
				case undoneElsewhere(h, s, step):
					t.unjudgeable(clause, "what was taken had been given back by what another property tells of")
				default:
					proof := append(slices.Clone(effects(s.Op(step.Name, saga.Action))), undoEffects(s, step.Name)...)
					t.violate(clause, o.Op, append(proof, first(a.Received), e), "broke exact compensation: %s was to give back more than was taken, and was refused: %s", o.Op, askedBy(a))
				}
			}
		}
	}
}

// undoneElsewhere tells whether a step was undone by the same part twice, or by another saga.
func undoneElsewhere(h *history.History, s *history.SagaRecord, step saga.Step) bool {
	if slices.ContainsFunc(s.Undos(step.Name), func(o *history.OpRecord) bool { return twice(o) != nil }) {
		return true
	}
	names := map[string]bool{}
	for _, did := range effects(s.Op(step.Name, saga.Action)) {
		names[did.Ref] = true
	}
	return slices.ContainsFunc(h.Events, func(e history.Event) bool {
		return e.Kind == history.CallCommitted && e.Saga != s.ID && names[e.Of]
	})
}

// askedBy is what an attempt asked for.
func askedBy(a *history.Attempt) string {
	if e := first(a.Received); e != nil {
		return effectOf(e)
	}
	return "not recorded"
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
