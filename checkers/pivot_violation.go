package checkers

import (
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// PivotViolation finds sagas that turned back after their point of no return,
// and steps behind it that were given up although they must succeed.
//
// Source: Richardson, "Microservices Patterns", ch. 4. Evidence: call-sent,
// call-ended, saga-status, saga-ended. The pivot counts from when the
// orchestrator surely learnt its success; a rollback that had begun before, or a
// step that had failed before, is not judged, nor is what follows a kill, a pause
// or a store outage. A retriable step that was refused for good or is at the end
// of its policy needs a person. Cost: linear.
type PivotViolation struct{}

var _ Checker = PivotViolation{}

// Doc documents the checker.
func (PivotViolation) Doc() Doc {
	return Doc{
		Name:       "pivot-violation",
		Definition: "A compensation ran after the pivot had succeeded, or a retriable step after the pivot was given up.",
		Source:     "Richardson, Microservices Patterns, ch. 4",
		Clauses:    []Clause{{Name: whole, Text: "TODO"}},
		Evidence:   "call-sent, call-ended, saga-status and saga-ended. At risk: sagas whose pivot surely succeeded, and in which an attempt failed or an operator asked for the rollback afterwards.",
		Blind:      "Rollbacks whose reason is older than the pivot's success; what follows a kill, a pause or a store outage; retriable steps that were refused for good or came to the end of their policy.",
		Cost:       "linear",
		Wants:      []Trait{pivots},
		Needs:      []string{"pivot"},
	}
}

// Check judges a history.
func (c PivotViolation) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	ds := disturbances(h, ix)
	for _, s := range ix.Sagas {
		pivot := pivotLearnt(s)
		if pivot == nil {
			continue
		}
		if failedAfter(s, pivot) {
			t.held(whole, 1)
		}
		checkNoReturn(t, s, pivot, ds)
		for _, step := range s.Definition.Steps {
			if o := s.Op(step.Name, saga.Action); step.Kind == saga.Retriable && o != nil && givenUp(h, s, o) && len(ds) == 0 {
				t.violate(whole, o.Op, []*history.Event{pivot, last(s.Calls), endEvent(s)}, "broke the point of no return: %s was given up after the pivot of saga %s had succeeded", o.Op, s.ID)
			}
		}
	}
	return t.verdict("nothing went wrong after a pivot")
}

// pivotLearnt is the event with which the orchestrator surely learnt that all
// pivots of the saga had succeeded; nil: it did not, or there is none.
func pivotLearnt(s *history.SagaRecord) *history.Event {
	var latest *history.Event
	for _, step := range s.Definition.Steps {
		if step.Kind != saga.Pivot {
			continue
		}
		a := s.Op(step.Name, saga.Action).Learnt(saga.Done)
		if a == nil {
			return nil
		}
		if latest == nil || a.Ended.Seq > latest.Seq {
			latest = a.Ended
		}
	}
	return latest
}

func failedAfter(s *history.SagaRecord, pivot *history.Event) bool {
	for _, o := range s.Operator {
		if o.Seq > pivot.Seq {
			return true
		}
	}
	for _, o := range s.Ops {
		for _, a := range o.Attempts {
			if a.Ended != nil && a.Ended.Seq > pivot.Seq && a.Learnt() != saga.Done {
				return true
			}
		}
	}
	return false
}

func checkNoReturn(t *tally, s *history.SagaRecord, pivot *history.Event, ds []disturbance) {
	back := rollbackEvent(s)
	if back == nil || back.Seq < pivot.Seq || olderReason(s, pivot) {
		return
	}
	for _, step := range s.Definition.Steps {
		undo := firstSent(s.Op(step.Name, saga.Compensation))
		if undo != nil && !disturbed(ds, pivot.Seq, undo.Seq) {
			t.violate(whole, undo.Operation(), []*history.Event{pivot, undo}, "broke the point of no return: %s was undone after the pivot of saga %s had succeeded", action(s, step.Name), s.ID)
		}
	}
}

// olderReason tells whether something that may have begun the rollback happened
// before the pivot's success was learnt: an operator's wish, or an action that
// failed and never succeeded.
func olderReason(s *history.SagaRecord, pivot *history.Event) bool {
	for _, o := range s.Operator {
		if o.Seq < pivot.Seq {
			return true
		}
	}
	for ref, o := range s.Ops {
		step, _ := s.Definition.Step(ref.Step)
		if ref.Direction == saga.Compensation || step.Kind == saga.Deferrable || o.Learnt(saga.Done) != nil {
			continue
		}
		if first := firstSent(o); first == nil || first.Seq < pivot.Seq {
			return true
		}
	}
	return false
}

// givenUp tells whether the saga ended, or stopped for a person, while the
// operation had met nothing but transient failures and may be attempted further.
func givenUp(h *history.History, s *history.SagaRecord, o *history.OpRecord) bool {
	if endEvent(s) == nil || usedUp(h, o) || hidingFault(h) || accepted(o) != nil {
		return false
	}
	for _, a := range o.Attempts {
		if a.Learnt() != saga.Transient {
			return false
		}
	}
	return true
}

// endEvent is the report of an end, or that the saga is stuck.
func endEvent(s *history.SagaRecord) *history.Event {
	if s.Ended == nil && s.Status() == saga.Stuck {
		return last(s.Reports)
	}
	return s.Ended
}
