package checkers

import (
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// BrokenInvariant finds sagas in which what the user says must hold did not.
//
// Source: the invariants of the workflow's file. Evidence: invariant-checked. Cost:
// linear.
type BrokenInvariant struct{}

var _ Checker = BrokenInvariant{}

// Doc documents the checker.
func (BrokenInvariant) Doc() Doc {
	return Doc{
		Name:       "broken-invariant",
		Definition: "Something that must hold, in the user's own words, did not hold of a saga that has ended.",
		Source:     "the invariants of the workflow's file",
		Clauses: []Clause{
			{Name: "always", Text: "what must hold always holds after each effect of a saga"},
			{Name: "settled", Text: "what must hold at the end holds when the saga has ended and all is silent"},
		},
		Evidence:  "invariant-checked",
		Prevented: "The saga's own steps and undos keep the invariant, or a check before the point of no return turns the saga.",
		Blind:     "Sagas that have not ended. What must be true sometimes is looked at over the whole run.",
		Cost:      "linear",
		Own:       true,
	}
}

// Check judges a history.
func (c BrokenInvariant) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	seen := map[string]bool{}
	for i := range h.Events {
		e := &h.Events[i]
		if e.Kind != history.InvariantChecked || e.When == "sometimes" { // which is a run's matter
			continue
		}
		seen[e.When] = true
		s := ix.Saga(e.Saga)
		switch {
		case e.Holds:
			t.held(e.When, 1)
		case slices.ContainsFunc(opsOf(s), (*history.OpRecord).Misled):
			t.unjudgeable(e.When, misled)
		default:
			t.violate(e.When, saga.Operation{Saga: e.Saga}, []*history.Event{s.Ended, e}, "broke the invariant %s of saga %s: %s", e.Invariant, e.Saga, e.Detail)
		}
	}
	looked := len(seen) > 0 || slices.ContainsFunc(ix.Sagas, func(s *history.SagaRecord) bool { return s.Ended != nil })
	for _, k := range c.Doc().Clauses {
		if looked && !seen[k.Name] {
			t.lacks(k.Name, "the workflow's file has no invariant that must hold %s", k.Name)
		}
	}
	return t.verdict("no invariant was looked at")
}
