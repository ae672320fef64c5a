package checkers

import (
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// UnneededCompensation finds sagas that were rolled back although nothing of
// theirs had failed, and compensations of steps that were never attempted.
//
// Source: Camunda #15141 (a compensation handler is invoked exactly as often as
// its activity completed). Evidence: call-sent, call-ended, saga-status. Where the
// outcome of a step is not certain it can't be told whether that was the reason
// (the number of attempts is retry-budget's matter), nor where a kill may have
// cost the last attempt, or a connection was refused, which leaves no trace.
// Cost: linear.
type UnneededCompensation struct{}

var _ Checker = UnneededCompensation{}

// The clauses of unneeded-compensation.
const (
	forwardAtOnce     = "at-once"
	forwardAfterRetry = "after-retry"
	forwardAfterCrash = "after-crash"
	forwardCutOff     = "cut-off"
	forwardOutlasted  = "outlasted"
	neverAttempted    = "never-attempted"
)

// Doc documents the checker.
func (UnneededCompensation) Doc() Doc {
	return Doc{
		Name:       "unneeded-compensation",
		Definition: "A saga whose steps could all complete was compensated, or a step that was never attempted was compensated.",
		Source:     "Camunda #15141",
		Clauses: []Clause{
			{Name: forwardAtOnce, Text: "a saga all of whose attempts succeed is not rolled back"},
			{Name: forwardAfterRetry, Text: "a saga of which an attempt failed, or was not answered, and whose steps succeeded all the same is not rolled back"},
			{Name: forwardAfterCrash, Text: "nor is one whose steps succeeded although the orchestrator was killed while it ran", Does: []string{history.Kill}},
			{Name: forwardCutOff, Text: "nor is one of which an attempt was cut off by a kill, or failed after one, while each step had attempts left", Wants: []Trait{repeatedActions}, Does: []string{history.Kill}, Needs: []string{"max-attempts"}},
			{Name: forwardOutlasted, Text: "nor is one of which a pause outlasted an attempt, while each step had attempts left", Wants: []Trait{timedActions}, Does: []string{history.Pause}, Needs: []string{"max-attempts"}},
			{Name: neverAttempted, Text: "a rollback leaves out each step with a compensation that was never attempted", Wants: []Trait{sparedUndos}},
		},
		Evidence:  "call-sent, call-ended and saga-status.",
		Prevented: "Turning only for a refusal, a budget that is used up, or a person: a transient error is repeated first.",
		Blind:     "Rollbacks after an operator's request, or while some step's outcome was unknown (see retry-budget), or, in a workflow of the user's own, at once after an attempt that succeeded where others had not, unless a kill cut an attempt off, or an attempt failed after one, or a pause outlasted one, and the time until then, without that between a kill and the restart, was too short to use up those that were left; those before which a kill may have cost the last attempt, or an attempt may have failed before it reached the wire.",
		Cost:      "linear",
	}
}

// Check judges a history.
func (c UnneededCompensation) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	ds := disturbances(h, ix)
	for _, s := range singleSagas(h, ix) {
		back := rollbackEvent(s)
		if back == nil {
			if s.Ended != nil && s.Ended.Status == saga.Completed {
				t.held(forwardClause(s, ds), 1)
				if clause := interruption(h, s, ds, s.Ended); clause != "" {
					t.held(clause, 1)
				}
			}
			continue
		}
		switch state, why := core(ix, s, ds, back); state {
		case coreDone:
			t.violate(forwardClause(s, ds), action(s, ""), []*history.Event{last(s.Accepted), back}, "broke forward recovery: saga %s was compensated although no step of it had failed", s.ID)
		case coreUnsure:
			if clause := interruption(h, s, ds, back); clause != "" && why != turnUnseen && attemptsLeft(ix, s, ds, back) {
				t.violate(clause, action(s, ""), []*history.Event{last(s.Accepted), back}, "broke forward recovery: saga %s was compensated although no step of it had been refused, or can have used up its attempts", s.ID)
				continue
			}
			t.unjudgeable(forwardClause(s, ds), "%s", why)
		}
		for _, step := range s.Definition.Steps {
			if step.Compensation != nil && s.Op(step.Name, saga.Action) == nil {
				checkNeverAttempted(t, h, s, step, ds)
			}
		}
	}
	return t.verdict("every saga that ended had a reason to turn")
}

// forwardClause says what the saga met on its way.
func forwardClause(s *history.SagaRecord, ds []disturbance) string {
	if n := len(s.Calls); n > 0 && kills(ds, 0, s.Calls[n-1].Seq) > 0 {
		return forwardAfterCrash
	}
	for ref, o := range s.Ops {
		for _, a := range o.Attempts {
			if ref.Direction == saga.Action && a.Learnt() != saga.Done {
				return forwardAfterRetry
			}
		}
	}
	return forwardAtOnce
}

// checkNeverAttempted: what was meant durably and did not leave before a kill, or
// failed before it reached the wire, has been attempted in the orchestrator's eyes.
func checkNeverAttempted(t *tally, h *history.History, s *history.SagaRecord, step saga.Step, ds []disturbance) {
	undo := firstUndoSent(s, step.Name)
	switch _, ready := readyAt(s, step); {
	case undo == nil:
		t.held(neverAttempted, 1)
	case h.MayBeRefused(action(s, step.Name)), firstMayHide(s, step, undo):
		t.unjudgeable(neverAttempted, unseen)
	case ready && disturbed(ds, 0, undo.Seq):
		t.unjudgeable(neverAttempted, wasDisturbed)
	default:
		t.violate(neverAttempted, undo.Operation(), []*history.Event{undo}, "broke exact compensation: %s was compensated and had never been attempted", action(s, step.Name))
	}
}
