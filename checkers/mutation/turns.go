package mutation

import (
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// startedAfterTurn starts a step that was never attempted and became ready long after
// the saga had been turned: by a certain refusal, or by an operator.
func startedAfterTurn(ix *history.Index, yield func(string, *edit) bool) {
	for _, s := range ix.Sagas {
		at, ok := turnedAt(ix, s)
		if !ok || ended(s) != saga.Compensated || disturbed(ix) {
			continue
		}
		for _, other := range s.Definition.Steps {
			last := readyAfter(s, other, at)
			if last == nil || s.Op(other.Name, saga.Action) != nil || behindDeferrable(s.Definition, other) {
				continue
			}
			op := saga.Operation{Saga: s.ID, Step: other.Name, Direction: saga.Action}
			if !yield(other.Name+"#1", change(ix.History).after(last.Ended.Seq, attempt(last, op, 1, 200, nil)...)) {
				return
			}
		}
	}
}

// behindDeferrable tells whether a step waits for a deferrable one, which may be done
// later than it: nobody can tell from when on it might have started.
func behindDeferrable(d saga.Definition, step saga.Step) bool {
	return slices.ContainsFunc(d.Predecessors(d.StepIndex(step.Name)), func(name string) bool {
		before, _ := d.Step(name)
		return before.Kind == saga.Deferrable
	})
}

// turnedAt is the time after which a saga surely had been turned.
func turnedAt(ix *history.Index, s *history.SagaRecord) (at time.Duration, ok bool) {
	if at, ok := refusedAt(ix, s); ok {
		return at, true
	}
	for _, e := range s.Operator {
		if saga.Classify(e.Code) == saga.Done {
			return e.At, true
		}
	}
	return 0, false
}

// refusedAt is that time after a refusal for good: it takes a moment until all of the
// orchestrator knows.
func refusedAt(ix *history.Index, s *history.SagaRecord) (at time.Duration, ok bool) {
	for _, step := range s.Definition.Steps {
		if o := s.Op(step.Name, saga.Action); o != nil && step.Kind != saga.Deferrable && o.Learnt(saga.Permanent) != nil {
			return o.Learnt(saga.Permanent).LearntAt() + max(30*time.Millisecond, 3*ix.Lag), true
		}
	}
	return 0, false
}

// readyAfter is the attempt with which the last of what a step waits for was done, if
// all was, and that after a time; nil: it was not.
func readyAfter(s *history.SagaRecord, step saga.Step, at time.Duration) *history.Attempt {
	var last *history.Attempt
	var ready time.Duration
	for _, name := range s.Definition.Predecessors(s.Definition.StepIndex(step.Name)) {
		a, told := toldDone(s.Op(name, saga.Action))
		switch {
		case a == nil:
			return nil
		case last == nil || told > ready:
			last, ready = a, told
		}
	}
	if ready <= at {
		return nil
	}
	return last
}

// toldDone is the attempt whose good answer came first to the orchestrator, and when it
// began to; nil: none came.
func toldDone(o *history.OpRecord) (first *history.Attempt, at time.Duration) {
	if o == nil {
		return nil, 0
	}
	for _, a := range o.Attempts {
		if a.Ended == nil || a.Ended.Code == 0 || saga.Classify(a.Ended.Code) != saga.Done {
			continue
		}
		if told, ok := a.AnsweredAt(); ok && (first == nil || told < at) {
			first, at = a, told
		}
	}
	return first, at
}

// retriedAfterTurn attempts an action that failed once more, long after a certain
// refusal of another one.
func retriedAfterTurn(ix *history.Index, yield func(string, *edit) bool) {
	for s, o := range actions(ix) {
		step, _ := s.Definition.Step(o.Op.Step)
		last := lastSent(o)
		if last == nil || step.Kind == saga.Deferrable || step.Kind == saga.Pivot || last.Learnt() != saga.Transient || ended(s) != saga.Compensated || disturbed(ix) || last.N >= o.Call.Retry.Most() && o.Call.Retry.Most() > 0 {
			continue
		}
		lo, hi := o.Call.Retry.Band(last.N + 1)
		if at, ok := refusedAt(ix, s); !ok || o.Learnt(saga.Permanent) != nil || failedAt(last)+lo <= at {
			continue // it may have been decided before
		}
		again := attempt(last, o.Op, last.N+1, 503, nil)
		if !yield(place(o, last.N+1), change(ix.History).after(last.Ended.Seq, again...).delayNew(hi+200*time.Millisecond)) {
			return
		}
	}
}
