package checkers

import (
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// DegradationFailure finds deferrable steps whose failure failed or held up the
// core of their saga, or that were never made up for after all had healed.
//
// Source: graceful degradation; docs/contract.md on deferrable steps. Evidence:
// call-sent, call-ended, call-committed, saga-ended, settled. The core is held up
// if a step behind a deferrable one starts only when that has been attempted more
// often than its policy says, or if the saga is reported as running when nothing
// but deferred steps is left, until one of them is attempted again. A deferrable step that was refused for good can't
// be made up for. It cannot see delays that stay within the step's own retry
// policy, nor failures of the core that have a possible reason of their own.
// Cost: linear.
type DegradationFailure struct{}

var _ Checker = DegradationFailure{}

// Doc documents the checker.
func (DegradationFailure) Doc() Doc {
	return Doc{
		Name:       "degradation-failure",
		Definition: "The failure of a deferrable step failed or held up the saga's core, or the step was never made up for after healing.",
		Source:     "graceful degradation; docs/contract.md on deferrable steps",
		Clauses:    []Clause{{Name: whole, Text: "TODO"}},
		Evidence:   "call-sent, call-ended, call-committed, saga-ended and settled. At risk: deferrable steps of which an attempt did not surely succeed.",
		Blind:      "Delays within the step's own retry policy; failures of the core that may have a reason of their own, or follow a kill, a pause or a store outage; steps that were refused for good.",
		Cost:       "linear",
		Wants:      []Trait{deferrables},
		Needs:      []string{"deferrable"},
	}
}

// Check judges a history.
func (c DegradationFailure) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	ds := disturbances(h, ix)
	for _, s := range ix.Sagas {
		for _, step := range s.Definition.Steps {
			if step.Kind != saga.Deferrable {
				continue
			}
			o := s.Op(step.Name, saga.Action)
			failure := firstFailure(o)
			if failure != nil {
				t.held(whole, 1)
				if len(ds) == 0 {
					checkCore(t, h, s, failure)
				}
				checkHeldUp(t, s, o)
				checkEndHeldUp(t, s, o)
			}
			checkMadeUp(t, ix, s, step, o)
		}
	}
	return t.verdict("no deferrable step failed")
}

// firstFailure is the first attempt that did not surely succeed.
func firstFailure(o *history.OpRecord) *history.Event {
	if o == nil {
		return nil
	}
	for _, a := range o.Attempts {
		if a.Ended != nil && a.Learnt() != saga.Done {
			return a.Ended
		}
	}
	return nil
}

func checkCore(t *tally, h *history.History, s *history.SagaRecord, failure *history.Event) {
	end := endEvent(s)
	if end == nil || end.Status == saga.Completed {
		return
	}
	turn := end
	if back := rollbackEvent(s); back != nil {
		turn = back
	}
	if !coreSucceeded(h, s, turn) {
		return
	}
	t.violate(whole, failure.Operation(), []*history.Event{failure, end}, "broke graceful degradation: saga %s ended %s because the deferrable step %s failed", s.ID, end.Status, failure.Step)
}

// checkHeldUp looks for a step that waited for more than the first budget of a
// deferrable one before it.
func checkHeldUp(t *tally, s *history.SagaRecord, o *history.OpRecord) {
	budget := o.Call.Retry.MaxAttempts
	as := sent(o)
	if budget == 0 || len(as) <= budget {
		return
	}
	extra := as[budget].Sent
	for i, step := range s.Definition.Steps {
		direct := s.Definition.Predecessors(i)
		if step.Kind == saga.Deferrable || len(direct) != 1 || direct[0] != o.Op.Step {
			continue
		}
		if began := firstSent(s.Op(step.Name, saga.Action)); began != nil && began.Seq > extra.Seq {
			t.violate(whole, o.Op, []*history.Event{extra, began}, "broke graceful degradation: %s waited for more than the %d attempts of the deferrable step %s", began.Operation(), budget, o.Op.Step)
		}
	}
}

// checkEndHeldUp looks for a report that a saga was still running when nothing but
// deferrable steps was left and their first budget was used up, and that it went
// on so until one of them had been attempted again.
func checkEndHeldUp(t *tally, s *history.SagaRecord, o *history.OpRecord) {
	budget := o.Call.Retry.MaxAttempts
	as := sent(o)
	if budget == 0 || len(as) <= budget {
		return
	}
	extra := as[budget].Sent
	if s.Ended != nil && s.Ended.Seq < extra.Seq {
		return
	}
	for _, r := range s.Reports {
		if r.Seq < extra.Seq && r.Status == saga.Running && onlyDeferred(s, r, o.Op.Step) {
			t.violate(whole, o.Op, []*history.Event{r, extra, s.Ended}, "broke graceful degradation: saga %s had nothing left but the deferrable step %s, and did not complete before it was done", s.ID, o.Op.Step)
			return
		}
	}
}

// onlyDeferred tells whether a report says that every step has succeeded, but for
// deferrable ones that are deferred, this one among them.
func onlyDeferred(s *history.SagaRecord, r *history.Event, deferred string) bool {
	this := false
	for _, st := range r.Steps {
		step, ok := s.Definition.Step(st.Name)
		switch {
		case !ok:
			return false
		case st.Status == saga.StepSucceeded:
		case step.Kind == saga.Deferrable && st.Status == saga.StepDeferred:
			this = this || st.Name == deferred
		default:
			return false
		}
	}
	return this && len(r.Steps) == len(s.Definition.Steps)
}

func checkMadeUp(t *tally, ix *history.Index, s *history.SagaRecord, step saga.Step, o *history.OpRecord) {
	completed := s.Ended != nil && s.Ended.Status == saga.Completed
	if !completed || ix.Settled == nil || !hasEffect(&step.Action) || len(effects(o)) > 0 || mayHaveLearnt(o, saga.Permanent) {
		return
	}
	if due := nextAttempt(s, o); due > ix.Settled.At {
		t.unknown(whole, "the deferrable step %s of saga %s has not been done, but its policy allows a wait beyond the settle time", step.Name, s.ID)
		return
	}
	var tried *history.Event
	if o != nil {
		tried = o.Attempts[len(o.Attempts)-1].Ended
	}
	t.violate(whole, action(s, step.Name), []*history.Event{tried, s.Ended, ix.Settled}, "broke graceful degradation: saga %s completed, and its deferrable step %s was never made up for", s.ID, step.Name)
}

// nextAttempt is when the next attempt of a deferrable step must have been made,
// with the slack that busy machines need.
func nextAttempt(s *history.SagaRecord, o *history.OpRecord) time.Duration {
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
		wait += time.Duration(b.OpenMS) * time.Millisecond
	}
	return a.Ended.At + wait + slack(wait)
}
