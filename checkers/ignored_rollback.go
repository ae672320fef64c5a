package checkers

import (
	"net/http"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// IgnoredRollback finds an operator's request for the rollback that was accepted and
// not carried out, refused without a reason, or accepted when it was too late.
//
// Source: zigflow #587, OpenMetadata PR 31590; docs/contract.md on
// POST /sagas/{id}/compensate. Evidence: saga-operator, call-sent, call-answered,
// call-ended, saga-ended. A request is in time if the saga has not ended, no attempt
// of a pivot has been sent, or can have been on its way, what it waits for being done, and some critical step has not been answered well, nor has
// the one that stands for it, or for which it stands. It is
// too late when the orchestrator surely has learnt the pivot's success.
// Cost: linear.
type IgnoredRollback struct{}

var _ Checker = IgnoredRollback{}

// The clauses of ignored-rollback.
const (
	requestCarriedOut = "carried-out"
	requestAccepted   = "accepted-in-time"
	requestTooLate    = "refused-past-pivot"
)

// Doc documents the checker.
func (IgnoredRollback) Doc() Doc {
	return Doc{
		Name:       "ignored-rollback",
		Definition: "An operator's rollback was accepted before the pivot and the saga completed all the same, or it was refused although it was surely before the pivot.",
		Source:     "zigflow #587, OpenMetadata PR 31590; docs/contract.md on POST /sagas/{id}/compensate",
		Clauses: []Clause{
			{Name: requestAccepted, Text: "a request that comes in time is accepted: before any attempt of a pivot, and before what that waits for is done, while a critical step is not done"},
			{Name: requestCarriedOut, Text: "a saga whose rollback was accepted in time does not complete: it ends compensated, or needs a person"},
			{Name: requestTooLate, Text: "a request that comes when the pivot's success has been learnt is refused with 409", Wants: []Trait{stepsBehindPivots}},
		},
		Evidence:  "saga-operator, call-sent, call-answered, call-ended and saga-ended.",
		Prevented: "Storing the request before it is answered, and looking at it in the decision that sends the pivot.",
		Blind:     "Requests while the pivot is under way, that were not answered, or were answered with a transient error.",
		Cost:      "linear",
		Whole:     true,
		Needs:     []string{"operator-compensation"},
	}
}

// Check judges a history.
func (c IgnoredRollback) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	for _, s := range singleSagas(h, ix) {
		for _, e := range s.Operator {
			code := saga.Classify(e.Code)
			refused := code == saga.Permanent || e.Code == http.StatusConflict
			now := roundAt(s, e)
			pivot := pivotLearnt(now)
			switch {
			case code != saga.Done && !refused:
			case pivot != nil && pivot.Ended.Seq < e.Seq:
				checkTooLate(t, s, e, pivot, refused, lateAtMost(ix.Lag))
			case pivot != nil && endsUnnoted(pivot, e):
				t.unjudgeable(requestTooLate, notedAfter)
			case !inTime(h, now, e):
				t.unjudgeable(requestAccepted, "the pivot was under way, or the saga done")
			case refused:
				t.violate(requestAccepted, action(s, ""), []*history.Event{e}, "broke the rollback by a person: saga %s was before its pivot and not done, and the request was refused with %d", s.ID, e.Code)
			default:
				t.held(requestAccepted, 1)
				checkCarriedOut(t, s, e)
			}
		}
	}
	return t.verdict("no operator asked for a rollback")
}

// inTime tells whether the saga surely could still be rolled back.
func inTime(h *history.History, s *history.SagaRecord, e *history.Event) bool {
	if s.Ended != nil && s.Ended.Seq < e.Seq {
		return false
	}
	open := false
	for i, step := range s.Definition.Steps {
		if step.Kind == saga.Pivot && mayHaveBegun(h, s, i, e) {
			return false
		}
		open = open || critical(h, step) && !mayBeDone(s, step, e)
	}
	return open
}

// mayHaveBegun tells whether the orchestrator may have begun step i when an event happened: the wire sees an
// attempt later than it was decided on, so it may have been once what the step waits for may have been done.
func mayHaveBegun(h *history.History, s *history.SagaRecord, i int, e *history.Event) bool {
	op := action(s, s.Definition.Steps[i].Name)
	began := firstSent(s.Op(op.Step, saga.Action))
	switch {
	case began == nil && !h.MayBeRefused(op):
		return false
	case began != nil && began.Seq < e.Seq:
		return true
	}
	return !slices.ContainsFunc(s.Definition.Predecessors(i), func(name string) bool {
		before, _ := s.Definition.Step(name)
		return !mayBeDone(s, before, e)
	})
}

// mayBeDone tells whether the orchestrator may have known, when an event happened, that a step
// had succeeded, or that the one had that it stands for, or that stands for it.
func mayBeDone(s *history.SagaRecord, step saga.Step, e *history.Event) bool {
	either := []string{step.Name, step.FallbackFor, s.Definition.Fallbacks()[step.Name]}
	return slices.ContainsFunc(either, func(name string) bool {
		done := acknowledged(s.Op(name, saga.Action))
		return done != nil && done.Seq <= e.Seq
	})
}

func checkCarriedOut(t *tally, s *history.SagaRecord, e *history.Event) {
	switch end := endEvent(s); {
	case end == nil: // stuck-saga's matter
	case end.Status == saga.Completed:
		t.violate(requestCarriedOut, action(s, ""), []*history.Event{e, end}, "broke the rollback by a person: the request for saga %s was accepted before its pivot, and it completed all the same", s.ID)
	default:
		t.held(requestCarriedOut, 1)
	}
}

// knewBefore tells whether the orchestrator had read before a time that a pivot had succeeded: the answer had been there
// for so long that no machine is later, or a step behind it had begun.
func knewBefore(s *history.SagaRecord, pivot *history.Attempt, at, late time.Duration) bool {
	if pivot.LearntAt()+late < at {
		return true
	}
	for i, step := range s.Definition.Steps {
		began := firstSent(s.Op(step.Name, saga.Action))
		if began != nil && began.At < at && slices.Contains(s.Definition.Predecessors(i), pivot.Sent.Step) {
			return true
		}
	}
	return false
}

func checkTooLate(t *tally, s *history.SagaRecord, e *history.Event, pivot *history.Attempt, refused bool, late time.Duration) {
	switch {
	case refused:
		t.held(requestTooLate, 1)
		return
	case !knewBefore(s, pivot, e.From(), late):
		t.unjudgeable(requestTooLate, "the request was under way when the pivot succeeded")
		return
	}
	t.violate(requestTooLate, action(s, ""), []*history.Event{pivot.Ended, e}, "broke the point of no return: a request for the rollback of saga %s was accepted with %d after its pivot had succeeded", s.ID, e.Code)
}
