package checkers

import (
	"cmp"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// endTolerance is how long an orchestrator may take to end a saga of which nothing
// is left to do.
const endTolerance = 75 * time.Millisecond

// DegradationFailure finds deferrable steps whose failure failed or held up the
// core of their saga, or that were never made up for after all had healed; and sagas
// that were rolled back for a step although another one stands for it (ways.go says how
// a way round that was taken is judged).
//
// Source: graceful degradation; docs/contract.md on deferrable steps. Evidence:
// call-sent, call-ended, call-committed, saga-status, saga-ended, settled. The core
// is held up if a step behind a deferrable one starts only when that has been
// attempted more often than its policy says, or if the saga is not reported as
// completed when nothing but deferrable steps is left. A deferrable step that was
// refused for good can't be made up for. It cannot see delays that stay within the
// step's own retry policy, nor failures of the core that have a possible reason of
// their own. Cost: linear.
type DegradationFailure struct{}

var _ Checker = DegradationFailure{}

// The clauses of degradation-failure.
const (
	coreGoesOn       = "core-goes-on"
	coreAfterRefusal = "core-after-refusal"
	stepNotHeldUp    = "step-not-held-up"
	endNotHeldUp     = "end-not-held-up"
	madeUp           = "made-up"
	madeUpAfterCrash = "made-up-after-crash"
	wayRound         = "way-round"
	wayAfterCrash    = "way-round-after-crash"
)

// Doc documents the checker.
func (DegradationFailure) Doc() Doc {
	return Doc{
		Name:       "degradation-failure",
		Definition: "The failure of a deferrable step failed or held up the saga's core, or the step was never made up for after healing; or a saga was rolled back for a step for which another one stands.",
		Source:     "graceful degradation; docs/contract.md on deferrable steps",
		Clauses: []Clause{
			{Name: coreGoesOn, Text: "a saga completes although an attempt of a deferrable step failed and may be repeated", Wants: []Trait{deferrables}, Needs: deferring},
			{Name: coreAfterRefusal, Text: "a saga completes although a deferrable step was refused for good", Wants: []Trait{deferrables}, Needs: deferring},
			{Name: stepNotHeldUp, Text: "a step behind a deferrable one that used up its attempts starts before that is attempted again", Wants: []Trait{stepsBehindDeferrables}, Needs: deferring},
			{Name: endNotHeldUp, Text: "a saga that has nothing left but deferrable steps, each of which used up its attempts or was refused for good, completes before one is attempted again: by its reports, or within 75 ms and ten times the lag of the cell", Wants: []Trait{deferrables}, Needs: deferring},
			{Name: madeUp, Text: "a deferrable step that used up its attempts, or was not done when a workflow of the user's own had ended, is attempted until it is done or refused for good", Wants: []Trait{deferrables}, Needs: deferring},
			{Name: madeUpAfterCrash, Text: "so is one that was left like this before the orchestrator was killed", Does: []string{history.Kill}, Wants: []Trait{deferrables}, Needs: deferring},
			{Name: wayRound, Text: "a saga is not rolled back for a step that was given up, if another one stands for it: that is taken", Wants: []Trait{waysRound}, Needs: []string{"fallback"}},
			{Name: wayAfterCrash, Text: "nor is one whose orchestrator was killed before it ended", Does: []string{history.Kill}, Wants: []Trait{waysRound}, Needs: []string{"fallback"}},
		},
		Evidence:  "call-sent, call-ended, call-committed, saga-status, saga-ended and settled.",
		Prevented: "Letting the core end without its deferrable steps, and storing those as work that is still to be done.",
		Blind:     "Delays within the step's own retry policy; whether a step is made up for after the cell is over, where nobody knows the wait: in a workflow of the user's own, and without the capability `deferred-policy`; failures of the core that may have a reason of their own; steps that were refused for good; a way round a step that was given up at its deadline, or by a policy without a maximum, and one that may have failed before it reached the wire.",
		Cost:      "linear",
		Wants:     []Trait{degradable},
	}
}

// Check judges a history.
func (c DegradationFailure) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	ds := disturbances(h, ix)
	for _, s := range singleSagas(h, ix) {
		if mayHaveActed(s, saga.ActSkip, saga.ActPause, saga.ActEnd) {
			if slices.ContainsFunc(s.Definition.Steps, ofKind(saga.Deferrable)) {
				t.unjudgeable(madeUp, "an operator may have held the saga back, or skipped a step")
			}
			continue
		}
		checkWays(t, ix, s, ds)
		for _, step := range s.Definition.Steps {
			if critical(h, step) {
				continue
			}
			o := s.Op(step.Name, saga.Action)
			checkCore(t, ix, s, o, ds)
			if used := firstRound(o, ds); used != nil {
				checkStepHeldUp(t, s, o, wakeups*ix.Lag)
				checkEndHeldUp(t, ix, s, o, used, ds)
			}
			checkMadeUp(t, ix, s, step, o, ds)
		}
	}
	return t.verdict("no step failed without which a saga can end well")
}

// firstRound is the last attempt that the policy of a deferrable step allows, if it
// and all before it surely failed and may be repeated; nil: it did not come to that.
// Whom a kill cut off from an attempt knows of no failure, and may repeat it.
func firstRound(o *history.OpRecord, ds []disturbance) *history.Attempt {
	if o == nil {
		return nil
	}
	most, as := o.Call.Retry.Most(), sent(o)
	if most == 0 || len(as) < most {
		return nil
	}
	if slices.ContainsFunc(as[:most], func(a *history.Attempt) bool {
		return a.Learnt() != saga.Transient || kills(ds, a.Sent.Seq, a.Ended.Seq) > 0
	}) {
		return nil
	}
	return as[most-1]
}

// checkCore looks for a saga that did not complete, and for no other reason than a
// deferrable step.
func checkCore(t *tally, ix *history.Index, s *history.SagaRecord, o *history.OpRecord, ds []disturbance) {
	clause, failure := coreGoesOn, o.Learnt(saga.Transient)
	if no := o.Learnt(saga.Permanent); no != nil {
		clause, failure = coreAfterRefusal, no
	}
	end := endEvent(s)
	switch {
	case failure == nil || end == nil:
		return
	case end.Status == saga.Completed:
		t.held(clause, 1)
		return
	}
	turn := end
	if back := rollbackEvent(s); back != nil {
		turn = back
	}
	switch state, why := core(ix, s, ds, turn); {
	case state == coreUnsure:
		t.unjudgeable(clause, "%s", why)
	case state == coreDone && turn.Seq > failure.Ended.Seq:
		t.violate(clause, o.Op, []*history.Event{failure.Ended, turn}, "broke graceful degradation: saga %s ended %s because the deferrable step %s failed", s.ID, end.Status, o.Op.Step)
	}
}

// checkStepHeldUp looks for a step that waited for more than the first budget of a
// deferrable one before it.
func checkStepHeldUp(t *tally, s *history.SagaRecord, o *history.OpRecord, lag time.Duration) {
	budget := o.Call.Retry.Most()
	as := sent(o)
	for i, step := range s.Definition.Steps {
		direct := s.Definition.Predecessors(i)
		began := firstSent(s.Op(step.Name, saga.Action))
		if len(direct) != 1 || direct[0] != o.Op.Step || began == nil {
			continue
		}
		switch {
		case len(as) <= budget || began.Seq < as[budget].Sent.Seq:
			t.held(stepNotHeldUp, 1)
		case began.At <= as[budget].Sent.At+lag: // both were due, and whoever was late makes up for it at once
			t.unjudgeable(stepNotHeldUp, tooLateToSay)
		default:
			t.violate(stepNotHeldUp, o.Op, []*history.Event{as[budget].Sent, began}, "broke graceful degradation: %s waited for more than the %d attempts of the deferrable step %s", began.Operation(), budget, o.Op.Step)
		}
	}
}

// checkEndHeldUp looks for a saga that was not completed when nothing but deferrable
// steps was left and this one had used up its attempts: a report says that it is
// running after a further attempt, or its end comes late, and a further attempt
// before it.
func checkEndHeldUp(t *tally, ix *history.Index, s *history.SagaRecord, o *history.OpRecord, used *history.Attempt, ds []disturbance) {
	if s.Ended != nil && s.Ended.Status != saga.Completed {
		return // the core failed for itself
	}
	due, ok := nothingLeftAt(s, ds)
	if !ok {
		if s.Ended != nil {
			t.unjudgeable(endNotHeldUp, "another step may have been under way")
		}
		return
	}
	budget := o.Call.Retry.Most()
	for _, r := range s.Reports {
		if r.Status == saga.Running && onlyDeferred(s, r, o.Op.Step, budget) {
			t.violate(endNotHeldUp, o.Op, []*history.Event{used.Ended, r}, "broke graceful degradation: saga %s had nothing left but the deferrable step %s, and did not complete before it was done", s.ID, o.Op.Step)
			return
		}
	}
	end := cmp.Or(s.Ended, ix.Settled)
	as := sent(o)
	if end == nil {
		return
	}
	still := end.At // by its own word it had not ended before
	if s.Ended != nil {
		still = s.Ended.Still
	}
	switch latest := due + endTolerance + wakeups*ix.Lag; {
	case len(as) <= budget || as[budget].Sent.Seq > end.Seq || end.At <= latest:
		if s.Ended != nil {
			t.held(endNotHeldUp, 1)
		}
	case still <= latest:
		t.unjudgeable(endNotHeldUp, "nobody asked for the saga's end in time")
	case as[budget].Sent.At < due: // attempted again while the core was under way
		t.unjudgeable(endNotHeldUp, "it was attempted again before the core was done")
	default:
		t.violate(endNotHeldUp, o.Op, []*history.Event{used.Ended, as[budget].Sent, end}, "broke graceful degradation: saga %s had nothing left but the deferrable step %s, and did not complete within %v", s.ID, o.Op.Step, ms(still-due))
	}
}

// nothingLeftAt is when the orchestrator surely had learnt that each step had
// succeeded, or is deferrable and had used up its attempts or been refused; not ok: it
// did not.
func nothingLeftAt(s *history.SagaRecord, ds []disturbance) (at time.Duration, ok bool) {
	for _, step := range s.Definition.Steps {
		o := s.Op(step.Name, saga.Action)
		a := o.Learnt(saga.Done)
		if step.Kind == saga.Deferrable {
			a = cmp.Or(firstRound(o, ds), a, o.Learnt(saga.Permanent))
		}
		if a == nil {
			return 0, false
		}
		at = max(at, a.LearntAt())
	}
	return at, true
}

// onlyDeferred tells whether a report says that every step has succeeded but for
// deferrable ones, and that this one has been attempted more often than its budget.
func onlyDeferred(s *history.SagaRecord, r *history.Event, deferred string, budget int) bool {
	this := false
	for _, st := range r.Steps {
		step, ok := s.Definition.Step(st.Name)
		switch {
		case !ok:
			return false
		case st.Status == saga.StepSucceeded:
		case step.Kind != saga.Deferrable || st.Status == saga.StepPending:
			return false
		case st.Name == deferred:
			this = st.Attempts > budget
		case step.Action.Retry.Most() == 0 || st.Attempts <= step.Action.Retry.Most():
			return false
		}
	}
	return this && len(r.Steps) == len(s.Definition.Steps)
}

// checkMadeUp looks for a completed saga whose deferrable step was left.
func checkMadeUp(t *tally, ix *history.Index, s *history.SagaRecord, step saga.Step, o *history.OpRecord, ds []disturbance) {
	if s.Ended == nil || s.Ended.Status != saga.Completed || ix.Settled == nil || mayHaveLearnt(o, saga.Permanent) {
		return
	}
	clause := madeUp
	left := leftAt(ix.History, s, o, ds)
	if left != nil && kills(ds, left.Seq, ix.Settled.Seq) > 0 {
		clause = madeUpAfterCrash
	}
	switch {
	case accepted(o) != nil && mayBeHeard(ix.History, o):
		if left != nil {
			t.held(clause, 1)
		}
	case accepted(o) != nil:
		if left != nil {
			t.unjudgeable(clause, "it was done, and no process that went on can have heard of it")
		}
	case ix.History.Header.Workflow != "":
		t.unknown(clause, "the deferrable step %s of saga %s has not been done, and nobody knows when its workflow does what it has left: a longer settle time may show it", step.Name, s.ID)
	case !reportedFailed(s, step.Name) && missing(deferredPolicy, ix.History) != "":
		t.unknown(clause, "the deferrable step %s of saga %s has not been done, and nobody has promised when it is tried again (capability %q): a longer settle time may show it", step.Name, s.ID, deferredPolicy[0])
	case !reportedFailed(s, step.Name) && nextAttempt(ix.History, s, o) > ix.Settled.At:
		t.unknown(clause, "the deferrable step %s of saga %s has not been done, but its policy allows a wait beyond the settle time", step.Name, s.ID)
	default:
		var tried *history.Event
		if o != nil {
			tried = o.Attempts[len(o.Attempts)-1].Ended
		}
		t.violate(clause, action(s, step.Name), []*history.Event{tried, s.Ended, ix.Settled}, "broke graceful degradation: saga %s completed, and its deferrable step %s was never made up for", s.ID, step.Name)
	}
}

// leftAt is what shows that a deferrable step was left for later: the end of the last attempt that its policy allows, or of a saga
// of the user's own workflow, whose policy may be unknown, that had not done it; nil: nothing does.
func leftAt(h *history.History, s *history.SagaRecord, o *history.OpRecord, ds []disturbance) *history.Event {
	if used := firstRound(o, ds); used != nil {
		return used.Ended
	}
	if done := accepted(o); h.Header.Workflow != "" && (done == nil || done.Seq > s.Ended.Seq) {
		return s.Ended
	}
	return nil
}

// mayBeHeard tells whether some process that was not killed meanwhile may have learnt that
// an operation was done: who took the place of a killed one can't know what that was answered.
// An attempt of a new process may be over before that says that it is ready.
func mayBeHeard(h *history.History, o *history.OpRecord) bool {
	return len(o.Found) > 0 || slices.ContainsFunc(o.Attempts, func(a *history.Attempt) bool {
		return a.Sent != nil && len(goodAnswers(a)) > 0 && !lostAnswer(a) && !killedWithin(h, a)
	})
}

// killedWithin tells whether the process that sent an attempt was killed before it was over.
func killedWithin(h *history.History, a *history.Attempt) bool {
	return a.Ended != nil && slices.ContainsFunc(h.Events[a.Sent.Seq:max(a.Sent.Seq, a.Ended.Seq-1)], func(e history.Event) bool {
		return e.Kind == history.ProcessKilled
	})
}

// reportedFailed tells whether the orchestrator's last report of the step says that
// it has failed: nothing more is to come.
func reportedFailed(s *history.SagaRecord, name string) bool {
	for _, r := range slices.Backward(s.Reports) {
		for _, st := range r.Steps {
			if st.Name == name {
				return st.Status == saga.StepFailed
			}
		}
	}
	return false
}

// nextAttempt is when the next attempt of a deferrable step must have been made,
// with the slack that busy machines need.
func nextAttempt(h *history.History, s *history.SagaRecord, o *history.OpRecord) time.Duration {
	if o == nil {
		return s.Ended.At + slack(0)
	}
	a := o.Attempts[len(o.Attempts)-1]
	if a.Ended == nil {
		return 1<<63 - 1 // under way
	}
	_, hi := o.Call.Retry.Band(a.N + 1)
	wait := max(hi, retryAfter(a))
	if b := o.Call.Breaker; b != nil {
		wait += b.Open()
	}
	wait += saga.LongestHold(h.Header.Definitions, o.Call.RetryBudget)
	return a.Ended.At + wait + slack(wait)
}
