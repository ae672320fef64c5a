package checkers

import (
	"math"
	"slices"

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
			{Name: forwardCutOff, Text: "nor is one of which an attempt was cut off by a kill, while each step had attempts left", Wants: []Trait{repeatedActions}, Does: []string{history.Kill}, Needs: []string{"max-attempts"}},
			{Name: neverAttempted, Text: "a rollback leaves out each step with a compensation that was never attempted", Wants: []Trait{sparedUndos}},
		},
		Evidence:  "call-sent, call-ended and saga-status.",
		Prevented: "Turning only for a refusal, a budget that is used up, or a person: a transient error is repeated first.",
		Blind:     "Rollbacks after an operator's request, or while some step's outcome was unknown (see retry-budget), unless a kill cut an attempt off and the time until then was too short to use up those that were left; those before which a kill may have cost the last attempt, or an attempt may have failed before it reached the wire.",
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
				if cutOff(s, ds) {
					t.held(forwardCutOff, 1)
				}
			}
			continue
		}
		switch state, why := core(ix, s, ds, back); state {
		case coreDone:
			t.violate(forwardClause(s, ds), action(s, ""), []*history.Event{last(s.Accepted), back}, "broke forward recovery: saga %s was compensated although no step of it had failed", s.ID)
		case coreUnsure:
			if cutOff(s, ds) && attemptsLeft(ix, s, ds, back) {
				t.violate(forwardCutOff, action(s, ""), []*history.Event{last(s.Accepted), back}, "broke forward recovery: saga %s was compensated although no step of it had been refused, or can have used up its attempts", s.ID)
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

// cutOff tells whether a kill came while an action of the saga was under way.
func cutOff(s *history.SagaRecord, ds []disturbance) bool {
	for ref, o := range s.Ops {
		for _, a := range o.Attempts {
			if ref.Direction != saga.Action || a.Sent == nil {
				continue
			}
			over := math.MaxInt
			if a.Ended != nil {
				over = a.Ended.Seq
			}
			if kills(ds, a.Sent.Seq, over) > 0 {
				return true
			}
		}
	}
	return false
}

// attemptsLeft tells whether each step that the saga can't do without surely had attempts left, however many
// were cut off, meant before a kill, or failed before they reached the wire, so that nothing but a person can
// be a reason to go back.
func attemptsLeft(ix *history.Index, s *history.SagaRecord, ds []disturbance, before *history.Event) bool {
	h := ix.History
	if len(s.Submitted) == 0 || s.Definition.HasRounds() || len(s.Definition.Fallbacks()) > 0 || starved(ix, s) ||
		slices.ContainsFunc(h.Header.Faults, func(f history.PlannedFault) bool { return !f.AtCalls() }) {
		return false
	}
	for _, step := range s.Definition.Steps {
		p := step.Action.Retry
		if !critical(h, step) || p.Most() == 0 && p.DeadlineMS == 0 && step.Action.Breaker == nil {
			continue
		}
		if p.DeadlineMS > 0 || p.Rounds > 1 || step.Action.Breaker != nil || step.Action.RetryBudget != nil || h.MayBeRefused(action(s, step.Name)) {
			return false
		}
		n := kills(ds, 0, before.Seq)
		if o := s.Op(step.Name, saga.Action); o != nil {
			if wasRefused(h, o) {
				return false
			}
			n += len(sent(o))
		}
		if limit := p.ShortestTimeout(); limit > 0 {
			n += int((before.At - s.Submitted[0].At) / limit)
		}
		if n >= p.Most() {
			return false
		}
	}
	return true
}

// wasRefused tells whether a participant gave the last word on an operation, whoever was there to read it.
func wasRefused(h *history.History, o *history.OpRecord) bool {
	return slices.ContainsFunc(o.Attempts, func(a *history.Attempt) bool {
		return slices.ContainsFunc(append(slices.Clip(a.Answered), a.Ended), func(e *history.Event) bool {
			return e != nil && h.LastWord(o.Op, e.Code)
		})
	})
}
