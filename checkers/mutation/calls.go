package mutation

import (
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// callOperators change what the orchestrator sent, and when.
func callOperators() []Operator {
	return []Operator{
		{"key-exchanged", "key-misuse", "an attempt has another key than the first", sentChanged(1, func(e *history.Event) { e.Key += "-2" })},
		{"key-left-out", "key-misuse", "an attempt has no key", sentChanged(0, func(e *history.Event) { e.Key = "" })},
		{"key-shared", "key-misuse", "two operations have one key", keyShared},
		{"saga-id-left-out", "untraceable-call", "an attempt has no Saga-Id", ownHeaders(func(e *history.Event) { e.SagaID = "" })},
		{"saga-id-of-another", "untraceable-call", "an attempt names another saga", ownHeaders(func(e *history.Event) { e.SagaID += "-other" })},
		{"step-left-out", "untraceable-call", "an attempt has no Saga-Step", ownHeaders(func(e *history.Event) { e.StepID = "" })},
		{"step-of-another", "untraceable-call", "an attempt names another step", ownHeaders(func(e *history.Event) { e.StepID = "other" })},
		{"trace-left-out", "untraceable-call", "an attempt has no traceparent", traceLeftOut},
		{"call-after-refusal", "retried-permanent-error", "an operation is attempted again after it was refused for good", callAfterRefusal},
		{"one-attempt-more", "retry-budget", "an operation is attempted once more than its policy allows", oneAttemptMore},
		{"call-after-deadline", "retry-budget", "an attempt begins after the deadline", callAfterDeadline},
		{"given-up", "retry-budget", "an operation is given up before its policy is used up", givenUp},
		{"wait-shortened", "backoff-violation", "an attempt follows the failure at once", waitShortened},
		{"wait-lengthened", "backoff-violation", "an attempt follows the failure much too late", waitLengthened},
		{"all-waits-lengthened", "backoff-violation", "every wait lasts longer than its band", allLengthened},
		{"herded", "thundering-herd", "all sagas wait for the same part of the band", herded},
		{"retry-after-ignored", "backoff-violation", "an attempt follows an answer with Retry-After at once", retryAfterIgnored},
		{"started-early", "step-order", "a step starts before one that it waits for has succeeded", startedEarly},
		{"undone-early", "compensation-order", "a step is undone before one that comes after it", undoneEarly},
		{"undone-past-the-pivot", "pivot-violation", "a step is undone after the pivot succeeded", undonePastPivot},
		{"undone-though-done", "unneeded-compensation", "a saga is rolled back though all its steps succeeded", undoneThoughDone},
		{"undone-untouched", "unneeded-compensation", "a step that was never attempted is undone", undoneUntouched},
		{"started-after-the-turn", "action-after-turn", "a new step starts after the saga has turned", startedAfterTurn},
		{"sent-again", "redundant-call", "an operation is sent again after its certain success", sentAgain},
	}
}

// sentChanged changes the headers of an operation's attempts, from the n-th on.
func sentChanged(n int, f func(*history.Event)) func(*history.Index, func(string, *edit) bool) {
	return func(ix *history.Index, yield func(string, *edit) bool) {
		for _, o := range each(ix) {
			for i, a := range o.Attempts {
				if i < n || a.Sent == nil || o.Attempts[0].Sent == nil {
					continue
				}
				m := change(ix.History).set(a.Sent.Seq, f)
				for _, r := range a.Received {
					m.set(r.Seq, f)
				}
				if !yield(place(o, a.N), m) {
					return
				}
			}
		}
	}
}

// ownHeaders changes headers that the orchestrator itself sends.
func ownHeaders(f func(*history.Event)) func(*history.Index, func(string, *edit) bool) {
	return func(ix *history.Index, yield func(string, *edit) bool) {
		if !slices.Contains(ix.History.Header.Orchestrator.Supplied, history.SagaHeaders) {
			sentChanged(0, f)(ix, yield)
		}
	}
}

func traceLeftOut(ix *history.Index, yield func(string, *edit) bool) {
	if slices.Contains(ix.History.Header.Orchestrator.Capabilities, "trace-context") {
		sentChanged(0, func(e *history.Event) { e.Trace = "" })(ix, yield)
	}
}

// keyShared gives an operation the key of the one before it.
func keyShared(ix *history.Index, yield func(string, *edit) bool) {
	var before *history.OpRecord
	for _, o := range each(ix) {
		if before != nil && before.Attempts[0].Sent != nil && o.Attempts[0].Sent != nil {
			key, m := before.Attempts[0].Sent.Key, change(ix.History)
			for i := range m.events {
				if e := &m.events[i]; isOf(o.Op)(e) && e.Key != "" {
					e.Key = key
				}
			}
			if !yield(place(o, 1), m) {
				return
			}
		}
		before = o
	}
}

func callAfterRefusal(ix *history.Index, yield func(string, *edit) bool) {
	for _, o := range each(ix) {
		no := o.Learnt(saga.Permanent)
		if no == nil || no.N != o.Attempts[len(o.Attempts)-1].N || disturbed(ix) {
			continue
		}
		if !yield(place(o, no.N+1), change(ix.History).after(no.Ended.Seq, attempt(no, o.Op, no.N+1, no.Ended.Code, nil)...)) {
			return
		}
	}
}

// oneAttemptMore repeats the last attempt of an operation that has used its policy
// up, as late as the policy would have it.
func oneAttemptMore(ix *history.Index, yield func(string, *edit) bool) {
	for s, o := range each(ix) {
		p := o.Call.Retry
		last := lastSent(o)
		if p.Most() == 0 || last == nil || last.N != p.Most() || endless(s, o) || mayBeOver(o) || s.Ended != nil && s.Ended.Seq < last.Ended.Seq {
			continue
		}
		_, hi := p.Band(last.N + 1)
		var more []history.Event
		for n := range 1 + kills(ix) { // each kill may have cost the count of one
			more = append(more, attempt(last, o.Op, last.N+1+n, 503, nil)...)
		}
		if !yield(place(o, last.N+1), change(ix.History).after(last.Ended.Seq, more...).delayNew(hi)) {
			return
		}
	}
}

// endless tells an operation that may go on beyond its policy.
func endless(s *history.SagaRecord, o *history.OpRecord) bool {
	step, _ := s.Definition.Step(o.Op.Step)
	return o.Op.Direction == saga.Action && step.Unbounded()
}

func callAfterDeadline(ix *history.Index, yield func(string, *edit) bool) {
	for s, o := range each(ix) {
		p := o.Call.Retry
		last := lastSent(o)
		if p.DeadlineMS == 0 || last == nil || mayBeOver(o) || endless(s, o) || disturbed(ix) {
			continue
		}
		due := o.Attempts[0].Sent.At + time.Duration(p.DeadlineMS)*time.Millisecond + second
		more := attempt(last, o.Op, last.N+1, 503, nil)
		if !yield(place(o, last.N+1), change(ix.History).after(last.Ended.Seq, more...).delayNew(due-last.Ended.At)) {
			return
		}
	}
}

// mayBeOver tells whether an answer that needs no retry may have been learnt.
func mayBeOver(o *history.OpRecord) bool {
	return slices.ContainsFunc(o.Attempts, func(a *history.Attempt) bool {
		return a.Ended != nil && a.Ended.Code != 0 && saga.Classify(a.Ended.Code) != saga.Transient
	})
}

// givenUp takes the second attempt and all after it away from an operation that
// failed at first, in a saga that turned because of it.
func givenUp(ix *history.Index, yield func(string, *edit) bool) {
	for s, o := range actions(ix) {
		p := o.Call.Retry
		if ended(s) != saga.Compensated || p.Most() < 2 || p.DeadlineMS > 0 || o.Call.Breaker != nil || endless(s, o) || disturbed(ix) || refusing(ix) || len(s.Operator) > 0 {
			continue
		}
		first := o.Attempts[0]
		if len(o.Attempts) < p.Most() || first.Learnt() != saga.Transient || o.Learnt(saga.Permanent) != nil || o.Learnt(saga.Done) != nil || len(first.Committed) == 0 && len(o.Effects) > 0 {
			continue
		}
		if !yield(place(o, 1), onlyFirst(ix, o)) {
			return
		}
	}
}

// startedEarly moves the first attempt of a step before the first of one that it
// waits for.
func startedEarly(ix *history.Index, yield func(string, *edit) bool) {
	for s, o := range actions(ix) {
		first := o.Attempts[0]
		if first.Sent == nil || refusing(ix) {
			continue
		}
		for _, name := range s.Definition.Predecessors(s.Definition.StepIndex(o.Op.Step)) {
			step, _ := s.Definition.Step(name)
			before := s.Op(name, saga.Action)
			if step.Kind == saga.Deferrable || before == nil || before.Attempts[0].Sent == nil {
				continue
			}
			if !yield(place(o, 1), change(ix.History).move(first.Sent.Seq, before.Attempts[0].Sent.Seq)) {
				return
			}
		}
	}
}

// undoneEarly moves the first attempt of a compensation before the first of one
// that must come before it.
func undoneEarly(ix *history.Index, yield func(string, *edit) bool) {
	for s, o := range undos(ix) {
		first := o.Attempts[0]
		if first.Sent == nil || refusing(ix) {
			continue
		}
		for later, l := range undos(ix) {
			if later != s || l.Attempts[0].Sent == nil || l.Attempts[0].Sent.Seq > first.Sent.Seq || !isAncestor(s, o.Op.Step, l.Op.Step) {
				continue
			}
			if !yield(place(o, 1), change(ix.History).moveBefore(first.Sent.Seq, l.Attempts[0].Sent.Seq)) {
				return
			}
		}
	}
}

func isAncestor(s *history.SagaRecord, first, later string) bool {
	for _, name := range s.Definition.Ancestors(later) {
		if name == first {
			return true
		}
	}
	return false
}

func undonePastPivot(ix *history.Index, yield func(string, *edit) bool) {
	for s, o := range actions(ix) {
		step, _ := s.Definition.Step(o.Op.Step)
		done := o.Learnt(saga.Done)
		if step.Kind != saga.Pivot || done == nil || ended(s) != saga.Completed || len(s.Operator) > 0 || !disturbed(ix) && !troubleAfter(s, done.Ended.Seq) {
			continue
		}
		for _, before := range s.Definition.Steps {
			did := inverse(s, before.Name)
			if did == nil || s.Op(before.Name, saga.Action) == nil {
				continue
			}
			if !yield(before.Name+".undo#1", change(ix.History).before(s.Ended.Seq, firstUndo(s, before.Name, 200, did)...)) {
				return
			}
			break
		}
	}
}

// troubleAfter tells whether an attempt of a saga failed after an event.
func troubleAfter(s *history.SagaRecord, seq int) bool {
	for _, o := range s.Ops {
		for _, a := range o.Attempts {
			if a.Ended != nil && a.Ended.Seq > seq && a.Learnt() != saga.Done {
				return true
			}
		}
	}
	return false
}

// undoneThoughDone has a saga that completed, in spite of some failure, rolled back
// instead.
func undoneThoughDone(ix *history.Index, yield func(string, *edit) bool) {
	for _, s := range ix.Sagas {
		if ended(s) != saga.Completed || refusing(ix) || len(s.Operator) > 0 || hasPivotOrBreaker(s) {
			continue
		}
		m := change(ix.History)
		behind := s.Ended.Seq
		for i := len(s.Definition.Steps) - 1; i >= 0; i-- {
			name := s.Definition.Steps[i].Name
			if did := inverse(s, name); did != nil && s.Op(name, saga.Action) != nil {
				m.before(behind, firstUndo(s, name, 200, did)...)
			}
		}
		m.endsAs(s, saga.Compensated)
		if !yield("saga "+s.ID, m) {
			return
		}
	}
}

func hasPivotOrBreaker(s *history.SagaRecord) bool {
	for _, step := range s.Definition.Steps {
		if step.Kind == saga.Pivot || step.Action.Breaker != nil {
			return true
		}
	}
	return false
}

// undoneUntouched undoes a step that was never attempted, in a saga that was
// compensated.
func undoneUntouched(ix *history.Index, yield func(string, *edit) bool) {
	for _, s := range ix.Sagas {
		if ended(s) != saga.Compensated || disturbed(ix) || refusing(ix) {
			continue
		}
		for _, step := range s.Definition.Steps {
			if step.Compensation == nil || s.Op(step.Name, saga.Action) != nil || step.Action.Breaker != nil {
				continue
			}
			back := rollback(s)
			if back == nil {
				continue
			}
			if !yield(step.Name+".undo#1", change(ix.History).before(back.Seq, firstUndo(s, step.Name, 200, nil)...)) {
				return
			}
		}
	}
}

// rollback is the first attempt of a compensation; nil: there is none.
func rollback(s *history.SagaRecord) *history.Event {
	for _, e := range s.Calls {
		if e.Kind == history.CallSent && e.Direction == saga.Compensation {
			return e
		}
	}
	return nil
}

func sentAgain(ix *history.Index, yield func(string, *edit) bool) {
	for _, o := range each(ix) {
		done := o.Learnt(saga.Done)
		if done == nil || disturbed(ix) || done.N != o.Attempts[len(o.Attempts)-1].N {
			continue
		}
		if !yield(place(o, done.N+1), change(ix.History).after(done.Ended.Seq, attempt(done, o.Op, done.N+1, 200, nil)...)) {
			return
		}
	}
}
