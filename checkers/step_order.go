package checkers

import (
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// StepOrder finds steps that were attempted before all the steps in their
// `after` had succeeded.
//
// Source: the saga's definition. Evidence: call-sent,
// call-answered, call-ended: the participant has answered a step before its
// orchestrator can know it; an answer of which nothing arrived is none. A
// deferrable step may be done later, so those before it take its place. It cannot
// see a step that starts after the participant's answer and before the answer was
// read. Cost: linear.
type StepOrder struct{}

var _ Checker = StepOrder{}

// orderDeferrable is the clause of step-order for what comes behind a deferrable step.
const orderDeferrable = "behind-deferrable"

// Doc documents the checker.
func (StepOrder) Doc() Doc {
	return Doc{
		Name:       "step-order",
		Definition: "A step was attempted before all the steps in its after had succeeded.",
		Source:     "the saga's definition (docs/contract.md)",
		Clauses: []Clause{
			{Name: orderOneByOne, Text: "a step starts when the one before it has succeeded", Wants: []Trait{successors}},
			{Name: orderJoin, Text: "a step behind several others starts when all of them have succeeded: each of them", Wants: []Trait{joins}},
			{Name: orderAfterRetry, Text: "a step starts when the one before it has succeeded, although that took more than one attempt"},
			{Name: orderDeferrable, Text: "a step behind a deferrable one starts when what comes before that has succeeded", Wants: []Trait{stepsBehindDeferrables}},
			{Name: orderAfterCrash, Text: "a step that starts after the orchestrator was killed starts when the one before it has succeeded", Does: []string{history.Kill}},
		},
		Evidence:  "call-sent, call-answered and call-ended.",
		Prevented: "Sending a step when the answers of all steps before it are stored.",
		Blind:     "A step that starts between the participant's answer and its arrival.",
		Cost:      "linear",
		Wants:     []Trait{orderedSteps},
	}
}

// Check judges a history.
func (c StepOrder) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	ds := disturbances(h, ix)
	for _, s := range singleSagas(h, ix) {
		before := mustPrecede(s.Definition)
		for i, step := range s.Definition.Steps {
			began := firstSent(s.Op(step.Name, saga.Action))
			if began == nil {
				continue
			}
			for _, name := range before[step.Name] {
				o := s.Op(name, saga.Action)
				clause := orderOneByOne
				switch {
				case kills(ds, 0, began.Seq) > 0:
					clause = orderAfterCrash
				case !slices.Contains(s.Definition.Predecessors(i), name):
					clause = orderDeferrable
				case o != nil && several(o, began):
					clause = orderAfterRetry
				case len(before[step.Name]) > 1:
					clause = orderJoin
				}
				if learntBefore(acknowledged(o), began) {
					t.held(clause, 1)
				} else {
					t.violate(clause, began.Operation(), []*history.Event{firstSent(o), began}, "broke the order of steps: %s was attempted before %s had succeeded", began.Operation(), name)
				}
			}
		}
	}
	return t.verdict("no step that comes after another was attempted")
}
