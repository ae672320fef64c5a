package checkers

import (
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// CompensationOrder finds compensations that began before those of all later
// steps were done.
//
// Source: Garcia-Molina & Salem, "Sagas" (SIGMOD 1987): T1…Tj is undone by
// Cj…C1; here along `after`. Evidence: call-sent, call-answered, call-ended:
// the participant has accepted a compensation before its orchestrator can know
// it. Later steps whose compensation was refused for good or came to the end of
// its policy are left out: what must not be undone any more is lost-compensation's and
// stuck-saga's matter. That is not so of what a service that is polled told to be done
// (call-read). Cost: linear in the events, quadratic in the steps of a saga.
type CompensationOrder struct{}

var _ Checker = CompensationOrder{}

// The clauses of step-order and compensation-order. An orchestrator has code of its
// own for each: a successor, a join, a retry, a restart.
const (
	orderOneByOne   = "one-by-one"
	orderJoin       = "join"
	orderAfterRetry = "after-retry"
	orderAfterCrash = "after-crash"
)

// Doc documents the checker.
func (CompensationOrder) Doc() Doc {
	return Doc{
		Name:       "compensation-order",
		Definition: "Compensations of steps ordered by after did not run in the reverse order.",
		Source:     "Garcia-Molina & Salem, Sagas, SIGMOD 1987",
		Clauses: []Clause{
			{Name: orderOneByOne, Text: "a compensation begins when that of a later step is done: each pair of ordered steps both of which are compensated", Wants: []Trait{chainedUndos}},
			{Name: orderJoin, Text: "the same where several steps follow directly on the earlier one", Wants: []Trait{forkedUndos}},
			{Name: orderAfterRetry, Text: "the same where the later compensation took more than one attempt"},
			{Name: orderAfterCrash, Text: "the same where the orchestrator was killed in the rollback before the earlier step was compensated", Does: []string{history.Kill}},
		},
		Evidence:  "call-sent, call-answered and call-ended.",
		Prevented: "Undoing along the reversed graph of the steps: an undo begins when all that came after its step are undone.",
		Blind:     "Pairs whose later compensation was refused for good or came to the end of its policy (see lost-compensation and stuck-saga); compensations that start between the participant's answer and its arrival.",
		Cost:      "linear in the events, quadratic in the steps of a saga",
		Wants:     []Trait{orderedUndos},
		Promised:  []string{ReverseOrder},
	}
}

// Check judges a history.
func (c CompensationOrder) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	ds := disturbances(h, ix)
	for _, s := range singleSagas(h, ix) {
		back := rollbackEvent(s)
		if back == nil {
			continue
		}
		for _, later := range opsOf(s) {
			step, _ := s.Definition.Step(later.Op.Step)
			began := firstSent(later)
			if later.Op.Direction == saga.Action {
				continue
			}
			if began == nil || mayHaveLearnt(later, saga.Permanent) || usedUp(h, later) && !toldDone(later) {
				continue
			}
			for _, name := range s.Definition.Ancestors(step.Name) {
				first := firstUndoSent(s, name)
				if first == nil {
					continue
				}
				clause := orderOneByOne
				switch {
				case kills(ds, back.Seq, first.Seq) > 0:
					clause = orderAfterCrash
				case several(later, first):
					clause = orderAfterRetry
				case len(undoableAfter(s.Definition, name)) > 1:
					clause = orderJoin
				}
				if learntBefore(acknowledged(later), first) {
					t.held(clause, 1)
				} else {
					t.violate(clause, first.Operation(), []*history.Event{began, first}, "broke the order of compensations: %s was undone before %s, which came after it", action(s, name), action(s, step.Name))
				}
			}
		}
	}
	return t.verdict("no two ordered steps were compensated")
}

// undoableAfter lists the steps with a compensation that follow directly on a step.
func undoableAfter(d saga.Definition, name string) (names []string) {
	for i, step := range d.Steps {
		for _, p := range d.Predecessors(i) {
			if p == name && step.Compensation != nil {
				names = append(names, step.Name)
			}
		}
	}
	return names
}
