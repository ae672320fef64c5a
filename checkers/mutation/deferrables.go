package mutation

import (
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// extra is the first attempt of a deferrable step beyond its budget; nil: it did not
// come to that, or something of it is not certain.
func extra(s *history.SagaRecord, o *history.OpRecord) *history.Attempt {
	step, _ := s.Definition.Step(o.Op.Step)
	budget := o.Call.Retry.Most()
	if step.Kind != saga.Deferrable || budget == 0 || len(o.Attempts) <= budget || o.Attempts[budget].Sent == nil || o.Attempts[budget].Ended == nil {
		return nil
	}
	for _, a := range o.Attempts[:budget] {
		if a.Learnt() != saga.Transient {
			return nil
		}
	}
	return o.Attempts[budget]
}

func heldUpStep(ix *history.Index, yield func(string, *edit) bool) {
	for s, o := range actions(ix) {
		more := extra(s, o)
		if more == nil || disturbed(ix) {
			continue
		}
		for i, step := range s.Definition.Steps {
			behind := s.Op(step.Name, saga.Action)
			if direct := s.Definition.Predecessors(i); len(direct) != 1 || direct[0] != o.Op.Step || behind == nil || behind.Attempts[0].Sent == nil || behind.Attempts[0].Sent.Seq > more.Sent.Seq {
				continue
			}
			late := more.Sent.At - behind.Attempts[0].Sent.At + 3*ix.Lag + moment
			if !yield(place(behind, 1), change(ix.History).delayOp(behind.Op, late)) {
				return
			}
		}
	}
}

// othersDone tells whether all other steps of the saga had surely succeeded.
func othersDone(s *history.SagaRecord, o *history.OpRecord) bool {
	return !slices.ContainsFunc(s.Definition.Steps, func(step saga.Step) bool {
		return step.Name != o.Op.Step && s.Op(step.Name, saga.Action).Learnt(saga.Done) == nil
	})
}

// heldUpEnd reports a saga as running after a deferrable step, all that is left of
// it, was attempted beyond its budget.
func heldUpEnd(ix *history.Index, yield func(string, *edit) bool) {
	for s, o := range actions(ix) {
		more := extra(s, o)
		if more == nil || ended(s) != saga.Completed || disturbed(ix) || more.Sent.Seq < s.Ended.Seq || !othersDone(s, o) {
			continue
		}
		var steps []saga.StepStatus
		for _, step := range s.Definition.Steps {
			st := saga.StepStatus{Name: step.Name, Status: saga.StepSucceeded, Attempts: 1}
			if step.Name == o.Op.Step {
				st.Status, st.Attempts = saga.StepRunning, more.N
			}
			steps = append(steps, st)
		}
		late := history.Event{Kind: history.SagaStatus, Saga: s.ID, Status: saga.Running, Steps: steps}
		m := change(ix.History)
		told := endReport(s)
		if told == nil {
			continue
		}
		m.move(s.Ended.Seq, more.Ended.Seq).move(told.Seq, more.Ended.Seq).after(more.Sent.Seq, late)
		if !yield(place(o, more.N), m) {
			return
		}
	}
}

// neverMadeUp takes a deferrable step's success away after a failure.
func neverMadeUp(ix *history.Index, yield func(string, *edit) bool) {
	for s, o := range actions(ix) {
		step, _ := s.Definition.Step(o.Op.Step)
		if step.Kind != saga.Deferrable || ended(s) != saga.Completed || len(o.Attempts) < 2 || len(o.Effects) != 1 || ix.Settled == nil {
			continue
		}
		last := o.Effects[0].Attempt
		before := o.Attempts[:max(0, slices.IndexFunc(o.Attempts, func(a *history.Attempt) bool { return a.N == last }))]
		if last == 1 || slices.ContainsFunc(before, func(a *history.Attempt) bool {
			return len(a.Answered) > 0 && saga.Classify(a.Answered[0].Code) == saga.Done
		}) {
			continue
		}
		m := change(ix.History).drop(func(e *history.Event) bool { return isOf(o.Op)(e) && e.Attempt >= last })
		m.withoutFaultsOn(o.Op, last-1).delay(ix.Settled.Seq, 20*second)
		if !yield(place(o, last), m) {
			return
		}
	}
}

// failedByDeferrable has a saga rolled back whose deferrable step failed.
func failedByDeferrable(ix *history.Index, yield func(string, *edit) bool) {
	for s, o := range actions(ix) {
		step, _ := s.Definition.Step(o.Op.Step)
		if step.Kind != saga.Deferrable || ended(s) != saga.Completed || disturbed(ix) || refusing(ix) || len(s.Operator) > 0 || o.Attempts[0].Learnt() == saga.Done || o.Attempts[0].Learnt() == "" || o.Attempts[0].Ended.Seq > s.Ended.Seq {
			continue
		}
		m := change(ix.History)
		for _, before := range slices.Backward(s.Definition.Steps) {
			if did := inverse(s, before.Name); did != nil && s.Op(before.Name, saga.Action) != nil && before.Name != o.Op.Step {
				m.before(s.Ended.Seq, firstUndo(s, before.Name, 200, did)...)
			}
		}
		if !yield(place(o, 1), m.endsAs(s, saga.Compensated)) {
			return
		}
	}
}

// deferredLostInCrash lets an orchestrator that was killed forget a deferrable step that
// had used up its attempts: nothing of it happens from the kill on.
func deferredLostInCrash(ix *history.Index, yield func(string, *edit) bool) {
	for s, o := range actions(ix) {
		more := extra(s, o)
		if more == nil || ended(s) != saga.Completed || ix.Settled == nil {
			continue
		}
		used := o.Attempts[o.Call.Retry.Most()-1]
		kill := slices.IndexFunc(ix.History.Events, func(e history.Event) bool { return e.Kind == history.ProcessKilled && e.Seq > used.Ended.Seq })
		if kill < 0 || len(o.Effects) > 0 && o.Effects[0].Seq < kill {
			continue
		}
		m := change(ix.History).drop(func(e *history.Event) bool { return isOf(o.Op)(e) && e.Seq > kill && e.Kind != history.CallEnded })
		for _, a := range o.Attempts {
			switch {
			case a.Ended == nil || a.Ended.Seq < kill:
			case a.Sent != nil && a.Sent.Seq < kill: // cut short by the kill
				m.set(a.Ended.Seq, func(e *history.Event) { e.Code, e.Certain, e.Down = 0, false, 0 })
			default:
				m.drop(func(e *history.Event) bool { return e.Seq == a.Ended.Seq })
			}
		}
		if !yield(place(o, used.N+1), m.delay(ix.Settled.Seq, 20*second)) {
			return
		}
	}
}
