package checkers

import (
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// UnneededCompensation finds sagas that were rolled back although nothing of
// theirs had failed, and compensations of steps that were never attempted.
//
// Source: Camunda #15141 (a compensation handler is invoked exactly as often as
// its activity completed). Evidence: call-sent, call-ended, saga-status. A saga
// with any step of doubtful outcome is not judged: that may be the reason (the
// number of attempts is retry-budget's matter), nor is one whose orchestrator
// was killed, paused or without its store, nor one under connection refusals,
// which leave no trace. Cost: linear.
type UnneededCompensation struct{}

var _ Checker = UnneededCompensation{}

// Doc documents the checker.
func (UnneededCompensation) Doc() Doc {
	return Doc{
		Name:       "unneeded-compensation",
		Definition: "A saga whose steps could all complete was compensated, or a step that was never attempted was compensated.",
		Source:     "Camunda #15141",
		Clauses:    []Clause{{Name: whole, Text: "TODO"}},
		Evidence:   "call-sent, call-ended and saga-status. At risk: sagas in which an attempt failed or its answer was not surely read, and sagas that were compensated.",
		Blind:      "Sagas in which a step that is not deferrable may have failed (see retry-budget), an operator asked, the orchestrator was disturbed, or connections were refused.",
		Cost:       "linear",
	}
}

// Check judges a history.
func (c UnneededCompensation) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	undisturbed := len(disturbances(h, ix)) == 0
	for _, s := range ix.Sagas {
		back := rollbackEvent(s)
		if back == nil && !tempted(s) {
			continue
		}
		t.held(whole, 1)
		if back == nil || !undisturbed || hidingFault(h) {
			continue
		}
		if coreSucceeded(h, s, back) {
			t.violate(whole, action(s, ""), []*history.Event{back, s.Ended}, "broke forward recovery: saga %s was compensated although no step of it had failed", s.ID)
		}
		for _, step := range s.Definition.Steps {
			undo := firstSent(s.Op(step.Name, saga.Compensation))
			if undo != nil && s.Op(step.Name, saga.Action) == nil && !firstMayHide(s, step, undo) {
				t.violate(whole, undo.Operation(), []*history.Event{undo}, "broke exact compensation: %s was compensated and had never been attempted", action(s, step.Name))
			}
		}
	}
	return t.verdict("nothing failed and nothing was compensated")
}

// tempted tells whether an attempt of the saga did not surely succeed.
func tempted(s *history.SagaRecord) bool {
	for _, o := range s.Ops {
		for _, a := range o.Attempts {
			if a.Learnt() != saga.Done {
				return true
			}
		}
	}
	return false
}
