package checkers

import (
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// CompensationOrder finds compensations that began before those of all later
// steps were done.
//
// Source: Garcia-Molina & Salem, "Sagas" (SIGMOD 1987): T1…Tj is undone by
// Cj…C1; here along `after`. Evidence: call-sent, call-answered:
// the participant has accepted a compensation before its orchestrator can know
// it. Later steps whose compensation was refused for good or came to the end of
// its policy are left out: there is no order any more. Cost: linear in the
// events, quadratic in the steps of a saga.
type CompensationOrder struct{}

var _ Checker = CompensationOrder{}

// Doc documents the checker.
func (CompensationOrder) Doc() Doc {
	return Doc{
		Name:       "compensation-order",
		Definition: "Compensations of steps ordered by after did not run in the reverse order.",
		Source:     "Garcia-Molina & Salem, Sagas, SIGMOD 1987",
		Clauses:    []Clause{{Name: whole, Text: "TODO"}},
		Evidence:   "call-sent and call-answered. At risk: pairs of ordered steps both of whose compensations were sent.",
		Blind:      "Pairs whose later compensation was refused for good or came to the end of its policy.",
		Cost:       "linear in the events, quadratic in the steps of a saga",
		Wants:      []Trait{orderedUndos},
	}
}

// Check judges a history.
func (c CompensationOrder) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	for _, s := range ix.Sagas {
		if rollbackEvent(s) == nil {
			continue
		}
		for _, step := range s.Definition.Steps {
			later := s.Op(step.Name, saga.Compensation)
			began := firstSent(later)
			if began == nil || mayHaveLearnt(later, saga.Permanent) || usedUp(h, later) {
				continue
			}
			for _, name := range s.Definition.Ancestors(step.Name) {
				first := firstSent(s.Op(name, saga.Compensation))
				if first == nil {
					continue
				}
				t.held(whole, 1)
				if done := acknowledged(later); done == nil || done.Seq > first.Seq {
					t.violate(whole, first.Operation(), []*history.Event{first, began, done}, "broke the order of compensations: %s was undone before %s, which came after it", action(s, name), action(s, step.Name))
				}
			}
		}
	}
	return t.verdict("no two ordered steps were compensated")
}
