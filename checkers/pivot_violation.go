package checkers

import (
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// PivotViolation finds sagas that turned back after their point of no return, or
// before its outcome was known, and steps behind it that were given up although
// they must succeed.
//
// Source: Richardson, "Microservices Patterns", ch. 4. Evidence: call-sent,
// call-ended, saga-status, saga-ended, saga-operator. The pivot counts from when
// the orchestrator surely learnt its success. A rollback that had begun before, or
// whose reason is older, can't be judged, nor one before which a kill may have cost
// the pivot's last attempt. A retriable step that was refused for good or is at the
// end of its policy needs a person. Cost: linear.
type PivotViolation struct{}

var _ Checker = PivotViolation{}

// The clauses of pivot-violation.
const (
	pivotAfterFailure = "after-failure"
	pivotAfterRefusal = "after-refusal"
	pivotAfterRequest = "after-request"
	pivotAfterCrash   = "after-crash"
	pivotRetriable    = "retriable-goes-on"
	pivotUnknown      = "unknown-outcome"
	pivotUnderWay     = "under-way"
)

// Doc documents the checker.
func (PivotViolation) Doc() Doc {
	return Doc{
		Name:       "pivot-violation",
		Definition: "A compensation ran after the pivot had succeeded or while its outcome was unknown, or a retriable step after the pivot was given up.",
		Source:     "Richardson, Microservices Patterns, ch. 4",
		Clauses: []Clause{
			{Name: pivotAfterFailure, Text: "when the pivot has succeeded nothing is undone, although an attempt of a step behind it fails and may be repeated", Wants: []Trait{stepsBehindPivots}},
			{Name: pivotAfterRefusal, Text: "nor although a step behind it is refused for good: a person is needed", Wants: []Trait{stepsBehindPivots}},
			{Name: pivotAfterRequest, Text: "nor although an operator asks for the rollback", Wants: []Trait{stepsBehindPivots}, Needs: []string{"operator-compensation"}},
			{Name: pivotAfterCrash, Text: "nor when the orchestrator is killed afterwards", Wants: []Trait{stepsBehindPivots}, Does: []string{history.Kill}},
			{Name: pivotRetriable, Text: "a retriable step of which an attempt fails and may be repeated is attempted until it succeeds or its policy ends", Wants: []Trait{retriables}},
			{Name: pivotUnknown, Text: "a pivot that can't be undone and whose attempts are used up while its outcome is unknown is attempted until that is known, and nothing is undone before", Wants: []Trait{finalPivots}},
			{Name: pivotUnderWay, Text: "when an operator asks for the rollback while an attempt of the pivot is under way, nothing is undone before that attempt is over", Needs: []string{"operator-compensation"}},
		},
		Evidence:  "call-sent, call-ended, saga-status, saga-ended and saga-operator.",
		Prevented: "Asking for the pivot until its outcome is known, and undoing nothing before that nor after its success.",
		Blind:     "Rollbacks whose reason may be older than the pivot's success; those before which a kill may have cost the pivot's last attempt; retriable steps that were refused for good or came to the end of their policy.",
		Cost:      "linear",
		Wants:     []Trait{pivots},
		Needs:     []string{"pivot"},
	}
}

// Check judges a history.
func (c PivotViolation) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	ds := disturbances(h, ix)
	for _, s := range singleSagas(h, ix) {
		for _, step := range s.Definition.Steps {
			o := s.Op(step.Name, saga.Action)
			if step.Kind != saga.Pivot || o == nil {
				continue
			}
			checkUnderWay(t, s, o)
			if step.Compensation == nil {
				checkUnknownOutcome(t, s, o)
			}
		}
		pivot := pivotLearnt(s)
		if pivot == nil {
			checkUnlearnt(t, s, ds)
			continue
		}
		checkNoReturn(t, s, pivot, ds)
		for _, step := range s.Definition.Steps {
			if o := s.Op(step.Name, saga.Action); step.Kind == saga.Retriable && o != nil {
				checkGoesOn(t, h, s, o, pivot, ds)
			}
		}
	}
	return t.verdict("nothing went wrong after a pivot")
}

// pivotLearnt is the attempt from which the orchestrator surely learnt that all
// pivots of the saga had succeeded; nil: it did not, or there is none.
func pivotLearnt(s *history.SagaRecord) *history.Attempt {
	var latest *history.Attempt
	for _, step := range s.Definition.Steps {
		if step.Kind != saga.Pivot {
			continue
		}
		a := s.Op(step.Name, saga.Action).Learnt(saga.Done)
		if a == nil {
			return nil
		}
		if latest == nil || a.LearntAt() > latest.LearntAt() {
			latest = a
		}
	}
	return latest
}

// notedAfter is why it is not known what the orchestrator knew when it was asked.
const notedAfter = "the end of the pivot's call was noted only after the request"

// endsUnnoted tells whether a request came when the pivot's answer was there already, and before
// its call was over: of a busy machine both are noted in any order.
func endsUnnoted(pivot *history.Attempt, request *history.Event) bool {
	return request.Seq < pivot.Ended.Seq && request.At > pivot.LearntAt()
}

// checkUnlearnt counts what came after the good answer of a pivot that may not have
// been read.
func checkUnlearnt(t *tally, s *history.SagaRecord, ds []disturbance) {
	for _, step := range s.Definition.Steps {
		o := s.Op(step.Name, saga.Action)
		if step.Kind != saga.Pivot || o == nil {
			continue
		}
		i := slices.IndexFunc(o.Attempts, func(a *history.Attempt) bool {
			return a.Ended != nil && saga.Classify(a.Ended.Code) == saga.Done
		})
		if i < 0 {
			continue
		}
		if clause := temptation(s, o.Attempts[i], rollbackEvent(s), ds); clause != "" {
			t.unjudgeable(clause, notCertain)
		}
		return
	}
}

// checkNoReturn looks for a rollback after the pivot. Without one the clause was
// kept that something tempted to break.
func checkNoReturn(t *tally, s *history.SagaRecord, pivot *history.Attempt, ds []disturbance) {
	back := rollbackEvent(s)
	clause := temptation(s, pivot, back, ds)
	undo := firstUndo(s)
	switch {
	case back == nil || undo == nil:
		switch {
		case clause != "":
			t.held(clause, 1)
		case slices.ContainsFunc(s.Operator, func(e *history.Event) bool { return endsUnnoted(pivot, e) }):
			t.unjudgeable(pivotAfterRequest, notedAfter)
		}
		return
	case clause == "":
		clause = pivotAfterFailure // nothing failed, and it turned all the same
	}
	o := s.Op(pivot.Sent.Step, saga.Action)
	switch {
	case back.At < pivot.LearntAt() || olderReason(s, pivot):
		t.unjudgeable(clause, "the reason may be older than the pivot's success")
	case kills(ds, pivot.Ended.Seq, undo.Seq) > 0 && mayBeUsedUp(o.Call, o, ds, undo):
		t.unjudgeable(clause, killMayCost)
	default:
		t.violate(clause, undo.Operation(), []*history.Event{pivot.Ended, undo}, "broke the point of no return: %s was undone after the pivot of saga %s had succeeded", action(s, undo.Step), s.ID)
	}
}

// firstUndo is the first compensation that was sent; nil: none.
func firstUndo(s *history.SagaRecord) *history.Event {
	var first *history.Event
	for ref, o := range s.Ops {
		if e := firstSent(o); ref.Direction == saga.Compensation && e != nil && (first == nil || e.Seq < first.Seq) {
			first = e
		}
	}
	return first
}

// temptation is the clause that what happened after the pivot put at risk, until a
// rollback began if one did; empty: nothing did.
func temptation(s *history.SagaRecord, pivot *history.Attempt, back *history.Event, ds []disturbance) string {
	until := last(s.Calls).Seq
	if back != nil {
		until = back.Seq
	}
	if kills(ds, pivot.Ended.Seq, until) > 0 {
		return pivotAfterCrash
	}
	for _, e := range s.Operator {
		if e.Seq > pivot.Ended.Seq && e.Seq < until {
			return pivotAfterRequest
		}
	}
	clause := ""
	for ref, o := range s.Ops {
		for _, a := range o.Attempts {
			if ref.Direction == saga.Compensation || a.Ended == nil || a.Ended.Seq < pivot.Ended.Seq {
				continue
			}
			switch a.Learnt() {
			case saga.Permanent:
				return pivotAfterRefusal
			case saga.Transient:
				clause = pivotAfterFailure
			}
		}
	}
	return clause
}

// olderReason tells whether something that may have begun the rollback happened
// before the pivot's success was learnt: an operator's wish, or an action that
// failed and never succeeded.
func olderReason(s *history.SagaRecord, pivot *history.Attempt) bool {
	for _, o := range s.Operator {
		if o.Seq < pivot.Ended.Seq {
			return true
		}
	}
	for ref, o := range s.Ops {
		step, _ := s.Definition.Step(ref.Step)
		if ref.Direction == saga.Compensation || step.Kind == saga.Deferrable || o.Learnt(saga.Done) != nil {
			continue
		}
		if first := firstSent(o); first == nil || first.Seq < pivot.Ended.Seq {
			return true
		}
	}
	return false
}

// checkGoesOn looks at a retriable step that failed and may be attempted further:
// whether the saga ended, or stopped for a person, without its success.
func checkGoesOn(t *tally, h *history.History, s *history.SagaRecord, o *history.OpRecord, pivot *history.Attempt, ds []disturbance) {
	end := endEvent(s)
	switch {
	case o.Learnt(saga.Transient) == nil || mayHaveLearnt(o, saga.Permanent) || usedUp(h, o):
	case o.Learnt(saga.Done) != nil, slices.ContainsFunc(o.Found, func(e *history.Event) bool { return !cutShort(e) }):
		t.held(pivotRetriable, 1)
	case end == nil: // stuck-saga's matter
	case s.Ended == nil && stuckForAReason(h, s) != "": // of another step: this one has budget left
		t.unjudgeable(pivotRetriable, "a person is needed for another step")
	case mayHaveLearnt(o, saga.Done) || uncertain(o) || len(o.Found) > 0:
		t.unjudgeable(pivotRetriable, notCertain)
	case disturbed(ds, pivot.Ended.Seq, end.Seq):
		t.unjudgeable(pivotRetriable, wasDisturbed)
	case h.MayBeRefused(o.Op):
		t.unjudgeable(pivotRetriable, unseen)
	default:
		t.violate(pivotRetriable, o.Op, []*history.Event{pivot.Ended, last(s.Calls), end}, "broke the point of no return: %s was given up after the pivot of saga %s had succeeded", o.Op, s.ID)
	}
}

// uncertain tells whether what the orchestrator learnt from some attempt can't be
// told.
func uncertain(o *history.OpRecord) bool {
	for _, a := range o.Attempts {
		if a.Learnt() == "" {
			return true
		}
	}
	return false
}

// checkUnknownOutcome looks at a pivot that can't be undone and of whose attempts
// none was answered for good.
func checkUnknownOutcome(t *tally, s *history.SagaRecord, o *history.OpRecord) {
	most := o.Call.Retry.Most()
	as := sent(o)
	undo := firstUndo(s)
	known := mayHaveLearnt(o, saga.Done) || mayHaveLearnt(o, saga.Permanent) || uncertain(o)
	switch {
	case len(as) == 0:
	case !known && undo != nil && undo.Seq > as[0].Sent.Seq:
		t.violate(pivotUnknown, undo.Operation(), []*history.Event{as[len(as)-1].Ended, undo}, "broke the point of no return: %s was undone while the outcome of the pivot %s was unknown", action(s, undo.Step), o.Op)
	case most == 0 || len(as) < most:
	case len(as) > most:
		t.held(pivotUnknown, 1)
	case o.Learnt(saga.Done) == nil && known:
		t.unjudgeable(pivotUnknown, notCertain)
	}
}

// checkUnderWay looks for compensations between the beginning and the end of an
// attempt of the pivot in which an operator asked for the rollback.
func checkUnderWay(t *tally, s *history.SagaRecord, o *history.OpRecord) {
	for _, a := range sent(o) {
		asked := false
		for _, e := range s.Operator {
			asked = asked || a.Ended != nil && e.Seq > a.Sent.Seq && e.Seq < a.Ended.Seq
		}
		if !asked {
			continue
		}
		undo := firstUndo(s)
		limit := o.Call.Retry.ShortestTimeout()
		switch {
		case undo == nil || undo.Seq < a.Sent.Seq || undo.Seq > a.Ended.Seq || len(a.Answered) > 0 && undo.Seq > a.Answered[0].Seq:
			t.held(pivotUnderWay, 1)
		case limit > 0 && undo.At-a.Sent.At >= limit/2: // it may have been given up
			t.unjudgeable(pivotUnderWay, tooLateToSay)
		default:
			t.violate(pivotUnderWay, undo.Operation(), []*history.Event{a.Sent, undo}, "broke the point of no return: %s was undone while an attempt of the pivot %s was under way", action(s, undo.Step), o.Op)
		}
	}
}

// endEvent is the report of an end, or that the saga is stuck.
func endEvent(s *history.SagaRecord) *history.Event {
	if s.Ended == nil && s.Status().Left() {
		return last(s.Reports)
	}
	return s.Ended
}
