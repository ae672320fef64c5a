package checkers

import (
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// StepOrder finds steps that were attempted before all the steps in their
// `after` had succeeded.
//
// Source: the saga's definition. Evidence: call-sent,
// call-answered: the participant has answered a step before its orchestrator can
// know it. A deferrable step may be done later, so those before it take its
// place. It cannot see a step that starts after the participant's answer and
// before the answer was read. Cost: linear.
type StepOrder struct{}

var _ Checker = StepOrder{}

// Doc documents the checker.
func (StepOrder) Doc() Doc {
	return Doc{
		Name:       "step-order",
		Definition: "A step was attempted before all the steps in its after had succeeded.",
		Source:     "the saga's definition (docs/contract.md)",
		Clauses:    []Clause{{Name: whole, Text: "TODO"}},
		Evidence:   "call-sent and call-answered. At risk: attempted steps and each step that had to come before; a deferrable one is replaced by those before it.",
		Blind:      "A step that starts between the participant's answer and its arrival.",
		Cost:       "linear",
		Wants:      []Trait{orderedSteps},
	}
}

// Check judges a history.
func (c StepOrder) Check(_ *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	for _, s := range ix.Sagas {
		before := mustPrecede(s.Definition)
		for _, step := range s.Definition.Steps {
			began := firstSent(s.Op(step.Name, saga.Action))
			if began == nil {
				continue
			}
			for _, name := range before[step.Name] {
				t.held(whole, 1)
				if done := acknowledged(s.Op(name, saga.Action)); done == nil || done.Seq > began.Seq {
					t.violate(whole, began.Operation(), []*history.Event{began, done}, "broke the order of steps: %s was attempted before %s had succeeded", began.Operation(), name)
				}
			}
		}
	}
	return t.verdict("no step that comes after another was attempted")
}
