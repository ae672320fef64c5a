package checkers

import (
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// RetriedPermanentError finds operations that were attempted again after the
// orchestrator had surely learnt that they were refused for good.
//
// Source: the contract: a 4xx other than 408, 409, 425 and 429 is permanent
// (RFC 9110, 15.5); of a workflow, the codes that it
// promises to take for the last word on that call; DTM #545. Evidence: call-sent, call-ended. An attempt that
// left before the refusal was read is no retry, nor is one after a kill, which
// may have taken the knowledge along, unless the saga had begun to be undone for it. Cost: linear.
type RetriedPermanentError struct{}

var _ Checker = RetriedPermanentError{}

// The clauses of retried-permanent-error.
const (
	refusedAction       = "action"
	refusedRetriable    = "retriable"
	refusedDeferrable   = "deferrable"
	refusedCompensation = "compensation"
)

// Doc documents the checker.
func (RetriedPermanentError) Doc() Doc {
	return Doc{
		Name:       "retried-permanent-error",
		Definition: "An operation was attempted again after a permanent rejection.",
		Source:     "the contract's classes of answers (RFC 9110, 15.5); DTM #545",
		Clauses: []Clause{
			{Name: refusedAction, Text: "an action that surely was refused for good is not attempted again"},
			{Name: refusedRetriable, Text: "nor is a retriable one, although it must succeed", Wants: []Trait{retriables}},
			{Name: refusedDeferrable, Text: "nor is a deferrable one, although it may be done later", Wants: []Trait{deferrables}},
			{Name: refusedCompensation, Text: "nor is a compensation", Wants: []Trait{compensations}},
		},
		Evidence:  "call-sent and call-ended.",
		Prevented: "Sorting answers into done, permanent and transient in one place, by the participant's contract.",
		Blind:     "Retries after the orchestrator was killed, paused or without its store in between, before it had sent a compensation for which there was no other reason; rejections that it may not have read to the end.",
		Cost:      "linear",
		Needs:     []string{"permanent-errors"},
	}
}

// Check judges a history.
func (c RetriedPermanentError) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	ds := disturbances(h, ix)
	for _, s := range singleSagas(h, ix) {
		for _, o := range opsOf(s) {
			if !mayBeRefused(h, o) {
				continue
			}
			clause := refusalClause(s, o)
			no := refusal(h, o)
			if no == nil {
				t.unjudgeable(clause, refusalUnread)
				continue
			}
			known := no.Ended
			if undo := undoFor(ix, s, o, no, ds); undo != nil && !disturbed(ds, no.Ended.Seq, undo.Seq) {
				known = undo
			}
			switch again, late := triedAfter(o, no); {
			case known == no.Ended && (again == nil && disturbed(ds, known.Seq, h.Events[len(h.Events)-1].Seq) ||
				again != nil && disturbed(ds, known.Seq, again.Sent.Seq)):
				t.unjudgeable(clause, "%s afterwards", wasDisturbed)
			case late:
				t.unjudgeable(clause, "the next attempt was noted late: it may have left before the refusal was read")
			case again == nil:
				t.held(clause, 1)
			default:
				t.violate(clause, o.Op, slices.Compact([]*history.Event{no.Ended, known, again.Sent}), "broke the retry policy: %s was attempted again after it had been refused for good with %d", o.Op, no.Ended.Code)
			}
		}
	}
	return t.verdict("no operation was refused for good")
}

// undoFor is the first compensation after a refusal, if nothing else can be its reason: who has sent it knows that the saga
// has turned, whatever a kill takes along afterwards. Nil: there is none.
func undoFor(ix *history.Index, s *history.SagaRecord, o *history.OpRecord, no *history.Attempt, ds []disturbance) *history.Event {
	undo := rollbackEvent(s)
	if o.Op.Direction != saga.Action || undo == nil || undo.Kind != history.CallSent || undo.At < no.LearntAt() || mayHaveBeenAsked(s) || budgetMayBeSpent(ix.History, ix, s, ds, undo) {
		return nil
	}
	for ref, other := range s.Ops {
		if other == o || ref.Direction != saga.Action {
			continue
		}
		for _, a := range sent(other) {
			if a.Sent.Seq < undo.Seq && (a.Learnt() != saga.Done || a.Ended.Seq > undo.Seq) {
				return nil
			}
		}
	}
	if slices.ContainsFunc(s.Definition.Steps, func(step saga.Step) bool { return ix.History.MayBeRefused(action(s, step.Name)) }) {
		return nil
	}
	return undo
}

// triedAfter is the first attempt that was sent when the orchestrator had learnt
// the end of another one; nil: there is none. Late: there is none of which that is sure.
func triedAfter(o *history.OpRecord, a *history.Attempt) (again *history.Attempt, late bool) {
	for _, b := range sent(o) {
		switch {
		case b.N <= a.N || b.Sent.Seq <= a.Ended.Seq && b.Sent.At <= a.LearntAt():
		case notedLate(b.Sent, a.LearntAt()):
			late = true
		default:
			return b, false
		}
	}
	return nil, late
}

func refusalClause(s *history.SagaRecord, o *history.OpRecord) string {
	step, _ := s.Definition.Step(o.Op.Step)
	switch {
	case o.Op.Direction == saga.Compensation:
		return refusedCompensation
	case step.Kind == saga.Retriable:
		return refusedRetriable
	case step.Kind == saga.Deferrable:
		return refusedDeferrable
	}
	return refusedAction
}
