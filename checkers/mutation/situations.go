package mutation

import (
	"fmt"
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// situationOperators make mistakes that need a certain situation: a kill, an
// operator, a policy at its end, two sagas at one register.
func situationOperators() []Operator {
	return []Operator{
		{"done-again", "duplicate-effect", "an operation is sent again after its certain success, and has its effect again", doneAgain(each)},
		{"undone-again", "duplicate-compensation", "a compensation is sent again after its certain success, and has its effect again", doneAgain(undos)},
		{"started-between-attempts", "step-order", "a step starts between the attempts of one that it waits for", startedBetween},
		{"started-past-a-deferrable", "step-order", "a step behind a deferrable one starts before what comes before that", startedPastDeferrable},
		{"undone-between-attempts", "compensation-order", "a step is undone between the attempts of an undo that comes first", undoneBetween},
		{"undone-after-request", "pivot-violation", "a step is undone when an operator asks for it past the pivot", undoneAfterRequest},
		{"undone-around-the-pivot", "pivot-violation", "a step is undone while the outcome of a pivot that can't be undone is unknown", undoneAroundPivot},
		{"undone-under-way", "pivot-violation", "a step is undone while the pivot is under way and an operator asks", undoneUnderWay},
		{"retriable-given-up", "pivot-violation", "a saga calls a person instead of trying a retriable step again", retriableGivenUp},
		{"forgotten-at-once", "lost-saga", "the orchestrator does not know a saga that it has just accepted", forgottenAtOnce},
		{"odd-word", "false-status", "a report says a word that is none of the contract's", oddWord},
		{"undo-given-up", "retry-budget", "a compensation that failed is not attempted again", undoGivenUp},
		{"call-to-nowhere", "untraceable-call", "a call belongs to no operation", callToNowhere},
		{"held-up-by-a-deferrable", "degradation-failure", "a step waits until a deferrable one before it is attempted beyond its budget", heldUpStep},
		{"end-held-up", "degradation-failure", "a saga is still running when only a deferrable step is left", heldUpEnd},
		{"acknowledged-and-not-done", "not-linearizable", "an operation is answered as done, and had no effect", acknowledgedNotDone},
		{"found-what-nobody-left", "not-linearizable", "a write finds a value that no write left", foundOdd},
		{"undo-overwrote", "lost-update", "a compensation comes once more and overwrites what another saga has set", undoOverwrote},
		{"built-on-what-is-undone", "dirty-read", "a saga completes on the strength of what another one gives back later", builtOnUndone},
		{"overwrote", "lost-update", "a write that was refused since another saga was there is done all the same", overwrote},
		{"retried-after-the-turn", "action-after-turn", "an action that failed is attempted again after the saga has turned", retriedAfterTurn},
		{"request-refused", "ignored-rollback", "an operator's request that came in time is refused", requestAnswered(202, 409)},
		{"late-request-accepted", "ignored-rollback", "an operator's request that came too late is accepted", requestAnswered(409, 202)},
		{"second-saga", "duplicate-saga", "a start that arrived twice makes two sagas", secondSaga},
	}
}

// doneAgain repeats an operation after its certain success, with its effect.
func doneAgain(ops func(*history.Index) func(func(*history.SagaRecord, *history.OpRecord) bool)) func(*history.Index, func(string, *edit) bool) {
	return func(ix *history.Index, yield func(string, *edit) bool) {
		for s, o := range ops(ix) {
			done := o.Learnt(saga.Done)
			if done == nil || len(o.Effects) == 0 || disturbed(ix) || done.N != o.Attempts[len(o.Attempts)-1].N || s.Ended != nil && s.Ended.Seq < done.Ended.Seq {
				continue
			}
			if !yield(place(o, done.N+1), change(ix.History).after(done.Ended.Seq, attempt(done, o.Op, done.N+1, 200, o.Effects[0].Effect)...)) {
				return
			}
		}
	}
}

// between yields operations with the first failed attempt of one that comes before
// them and succeeded later.
func startedBetween(ix *history.Index, yield func(string, *edit) bool) {
	for s, o := range actions(ix) {
		for _, name := range s.Definition.Predecessors(s.Definition.StepIndex(o.Op.Step)) {
			step, _ := s.Definition.Step(name)
			if step.Kind != saga.Deferrable && !moveBetween(ix, o, s.Op(name, saga.Action), yield) {
				return
			}
		}
	}
}

func undoneBetween(ix *history.Index, yield func(string, *edit) bool) {
	for s, o := range undos(ix) {
		for later, l := range undos(ix) {
			if later == s && isAncestor(s, o.Op.Step, l.Op.Step) && !moveBetween(ix, o, l, yield) {
				return
			}
		}
	}
}

// moveBetween moves the first attempt of an operation behind the beginning of the
// second attempt of another one that must be done before it, of which the first
// failed.
func moveBetween(ix *history.Index, o, before *history.OpRecord, yield func(string, *edit) bool) bool {
	first := o.Attempts[0].Sent
	if before == nil || first == nil || refusing(ix) || len(before.Attempts) < 2 {
		return true
	}
	a, second := before.Attempts[0], before.Attempts[1].Sent
	if a.Ended == nil || second == nil || len(a.Committed) > 0 || len(a.Answered) > 0 && saga.Classify(a.Answered[0].Code) == saga.Done || first.Seq < second.Seq {
		return true
	}
	return yield(place(o, 1), change(ix.History).move(first.Seq, second.Seq))
}

// startedPastDeferrable moves the first attempt of a step behind a deferrable one
// before what comes before that.
func startedPastDeferrable(ix *history.Index, yield func(string, *edit) bool) {
	for s, o := range actions(ix) {
		first := o.Attempts[0].Sent
		if first == nil || refusing(ix) {
			continue
		}
		for _, name := range s.Definition.Predecessors(s.Definition.StepIndex(o.Op.Step)) {
			step, _ := s.Definition.Step(name)
			if step.Kind != saga.Deferrable {
				continue
			}
			for _, up := range s.Definition.Predecessors(s.Definition.StepIndex(name)) {
				before := s.Op(up, saga.Action)
				if kind, _ := s.Definition.Step(up); kind.Kind == saga.Deferrable || before == nil || before.Attempts[0].Sent == nil {
					continue
				}
				if !yield(place(o, 1), change(ix.History).move(first.Seq, before.Attempts[0].Sent.Seq)) {
					return
				}
			}
		}
	}
}

// undoable is the first step, in the order of the definition, that was attempted and
// has a compensation that does something; empty: there is none.
func undoable(s *history.SagaRecord, but string) (string, *saga.Effect) {
	for _, step := range s.Definition.Steps {
		if did := inverse(s, step.Name); did != nil && step.Name != but && s.Op(step.Name, saga.Action) != nil && s.Op(step.Name, saga.Compensation) == nil {
			return step.Name, did
		}
	}
	return "", nil
}

func undoneAfterRequest(ix *history.Index, yield func(string, *edit) bool) {
	for s, o := range actions(ix) {
		step, _ := s.Definition.Step(o.Op.Step)
		done := o.Learnt(saga.Done)
		if step.Kind != saga.Pivot || done == nil || ended(s) != saga.Completed || disturbed(ix) {
			continue
		}
		for _, e := range s.Operator {
			name, did := undoable(s, o.Op.Step)
			if e.Seq < done.Ended.Seq || did == nil || e.Seq > s.Ended.Seq {
				continue
			}
			if !yield(name+".undo#1", change(ix.History).after(e.Seq, firstUndo(s, name, 200, did)...)) {
				return
			}
			break
		}
	}
}

// undoneAroundPivot undoes a step when the attempts of a pivot that can't be undone
// are used up and nothing is known of it.
func undoneAroundPivot(ix *history.Index, yield func(string, *edit) bool) {
	for s, o := range actions(ix) {
		step, _ := s.Definition.Step(o.Op.Step)
		most := o.Call.Retry.Most()
		name, did := undoable(s, o.Op.Step)
		if step.Kind != saga.Pivot || step.Compensation != nil || most == 0 || len(o.Attempts) <= most || did == nil || disturbed(ix) {
			continue
		}
		last := o.Attempts[most-1]
		if last.Ended == nil || o.Attempts[most].Sent == nil || o.Attempts[most].Sent.Seq < last.Ended.Seq {
			continue
		}
		// The attempts behind it are gone: nothing is known.
		m := change(ix.History).drop(func(e *history.Event) bool { return isOf(o.Op)(e) && e.Attempt > most })
		if !yield(name+".undo#1", m.after(last.Ended.Seq, firstUndo(s, name, 200, did)...).withoutFaultsOn(o.Op, most)) {
			return
		}
	}
}

func undoneUnderWay(ix *history.Index, yield func(string, *edit) bool) {
	for s, o := range actions(ix) {
		step, _ := s.Definition.Step(o.Op.Step)
		name, did := undoable(s, o.Op.Step)
		if step.Kind != saga.Pivot || did == nil || disturbed(ix) {
			continue
		}
		for _, a := range o.Attempts {
			for _, e := range s.Operator {
				if a.Sent == nil || a.Ended == nil || e.Seq < a.Sent.Seq || len(a.Answered) > 0 && e.Seq > a.Answered[0].Seq || e.Seq > a.Ended.Seq {
					continue
				}
				if !yield(name+".undo#1", change(ix.History).after(e.Seq, firstUndo(s, name, 200, did)...)) {
					return
				}
			}
		}
	}
}

// retriableGivenUp takes the attempts behind the first failed one away from a step
// behind the pivot, and has the saga call a person.
func retriableGivenUp(ix *history.Index, yield func(string, *edit) bool) {
	for s, o := range actions(ix) {
		step, _ := s.Definition.Step(o.Op.Step)
		first := o.Attempts[0]
		if step.Kind != saga.Retriable || ended(s) != saga.Completed || len(o.Attempts) < 2 || first.Learnt() != saga.Transient || disturbed(ix) || refusing(ix) || len(s.Operator) > 0 {
			continue
		}
		if first.Ended.Seq > o.Attempts[1].Sent.Seq || len(first.Committed) > 0 {
			continue
		}
		m := change(ix.History).drop(func(e *history.Event) bool {
			return isOf(o.Op)(e) && e.Attempt > 1 || e.Saga == s.ID && (e.Kind == history.SagaStatus || e.Kind == history.SagaEnded)
		}).withoutFaultsOn(o.Op, 1)
		m.before(ix.Settled.Seq, history.Event{Kind: history.SagaStatus, Saga: s.ID, Status: saga.Stuck})
		if !yield(place(o, 1), m) {
			return
		}
	}
}

func forgottenAtOnce(ix *history.Index, yield func(string, *edit) bool) {
	if len(ix.Fired) > 0 || disturbed(ix) {
		return
	}
	for _, s := range ix.Sagas {
		if len(s.Accepted) == 0 || s.Ended == nil {
			continue
		}
		gone := history.Event{Kind: history.SagaUnknown, Saga: s.ID, Code: 404}
		if !yield("saga "+s.ID, change(ix.History).after(s.Accepted[0].Seq, gone)) {
			return
		}
	}
}

func oddWord(ix *history.Index, yield func(string, *edit) bool) {
	for _, s := range ix.Sagas {
		for _, r := range s.Reports {
			if r.Kind != history.SagaStatus || r.Status.Ended() {
				continue
			}
			if !yield("saga "+s.ID, change(ix.History).set(r.Seq, func(e *history.Event) { e.Status = "doing" })) {
				return
			}
			break
		}
	}
}

// undoGivenUp takes the attempts behind the first failed one away from a
// compensation.
func undoGivenUp(ix *history.Index, yield func(string, *edit) bool) {
	for s, o := range undos(ix) {
		first := o.Attempts[0]
		if ended(s) != saga.Compensated || o.Call.Retry.DeadlineMS > 0 || o.Call.Breaker != nil || len(o.Attempts) < 2 || o.Attempts[1].Sent == nil ||
			first.Learnt() != saga.Transient || len(first.Committed) > 0 || first.Ended.Seq > o.Attempts[1].Sent.Seq || disturbed(ix) || refusing(ix) {
			continue
		}
		if !yield(place(o, 1), onlyFirst(ix, o)) {
			return
		}
	}
}

func callToNowhere(ix *history.Index, yield func(string, *edit) bool) {
	for _, s := range ix.Sagas {
		if len(s.Calls) == 0 {
			continue
		}
		e := s.Calls[0]
		stray := history.Event{Kind: history.CallStray, Saga: s.ID, Step: e.Step, Direction: e.Direction, Detail: `path "/elsewhere"`}
		if !yield("saga "+s.ID, change(ix.History).after(e.Seq, stray)) {
			return
		}
	}
}

func acknowledgedNotDone(ix *history.Index, yield func(string, *edit) bool) {
	if ix.History.Header.Profile == "naive" {
		return
	}
	for _, o := range each(ix) {
		if received(o) < 2 || len(o.Effects) == 0 || accepted(o) == 0 {
			continue
		}
		if !yield(place(o, 1), change(ix.History).drop(isEffect(o.Op))) {
			return
		}
	}
}

// requestAnswered gives an operator's request another answer.
func requestAnswered(was, is int) func(*history.Index, func(string, *edit) bool) {
	return func(ix *history.Index, yield func(string, *edit) bool) {
		for _, s := range ix.Sagas {
			if len(s.Operator) != 1 || s.Operator[0].Code != was || disturbed(ix) || was == 409 && !pastPivot(s, s.Operator[0]) {
				continue
			}
			if !yield("saga "+s.ID, change(ix.History).set(s.Operator[0].Seq, func(e *history.Event) { e.Code = is })) {
				return
			}
		}
	}
}

// pastPivot tells whether the orchestrator had surely learnt the success of a pivot
// before an event, and the saga had not ended.
func pastPivot(s *history.SagaRecord, e *history.Event) bool {
	return (s.Ended == nil || e.Seq < s.Ended.Seq) && slices.ContainsFunc(s.Definition.Steps, func(step saga.Step) bool {
		done := s.Op(step.Name, saga.Action).Learnt(saga.Done)
		return step.Kind == saga.Pivot && done != nil && done.Ended.Seq < e.Seq
	})
}

// secondSaga lets each call of a saga whose start arrived twice come a second time,
// for a saga of another id, under a key of its own.
func secondSaga(ix *history.Index, yield func(string, *edit) bool) {
	for _, s := range ix.Sagas {
		if len(s.Submitted) < 2 || disturbed(ix) || ended(s) == "" {
			continue
		}
		m, added := change(ix.History), false
		for _, step := range s.Definition.Steps {
			o := s.Op(step.Name, saga.Action)
			if o == nil || o.Learnt(saga.Done) == nil || len(o.Effects) == 0 {
				continue
			}
			a := o.Learnt(saga.Done)
			other := attempt(a, o.Op, len(o.Attempts)+1, 200, o.Effects[0].Effect)
			for i := range other {
				if other[i].Key != "" {
					other[i].Key, other[i].SagaID = other[i].Key+"-second", fmt.Sprint(s.ID, "-second")
				}
			}
			m.after(a.Ended.Seq, other...)
			added = true
		}
		if added && !yield("saga "+s.ID, m) {
			return
		}
	}
}
