package checkers

import (
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// What a saga's budget over all layers allows: see saga.Budget.

// budgetedTries are the attempts that count in the budget of a saga, in the order in which
// they were sent: those of actions that it may end, until a pivot had succeeded.
func budgetedTries(s *history.SagaRecord) (as []*history.Attempt) {
	over := pivotDone(s)
	for _, step := range inRounds(s) {
		o := s.Op(step.Name, saga.Action)
		if o == nil || !step.Budgeted() {
			continue
		}
		for _, a := range tries(s, o) {
			if over == nil || a.Sent.Seq < over.Seq {
				as = append(as, a)
			}
		}
	}
	slices.SortFunc(as, func(a, b *history.Attempt) int { return a.Sent.Seq - b.Sent.Seq })
	return as
}

// pivotDone is the first event from which the orchestrator may have learnt that a pivot has
// succeeded; nil: there is none.
func pivotDone(s *history.SagaRecord) (first *history.Event) {
	for _, step := range inRounds(s) {
		if step.Kind != saga.Pivot {
			continue
		}
		if e := acknowledged(s.Op(step.Name, saga.Action)); e != nil && (first == nil || e.Seq < first.Seq) {
			first = e
		}
	}
	return first
}

// checkWhole judges the budget of a saga.
func checkWhole(t *tally, tm *timing, s *history.SagaRecord) {
	b, as := s.Definition.Budget, budgetedTries(s)
	if len(as) == 0 || len(s.Accepted) == 0 {
		return
	}
	checkWholeAttempts(t, s, b, as, tm.ds)
	if b.TimeMS > 0 {
		checkWholeTime(t, tm, s, b, as)
	}
}

func checkWholeAttempts(t *tally, s *history.SagaRecord, b saga.Budget, as []*history.Attempt, ds []disturbance) {
	if b.Attempts == 0 || len(as) < b.Attempts {
		return
	}
	allowed := b.Attempts + kills(ds, as[0].Sent.Seq, as[len(as)-1].Sent.Seq)
	if len(as) > allowed {
		var events []*history.Event
		for _, a := range as[:allowed+1] {
			events = append(events, a.Sent)
		}
		t.violate(wholeAttempts, action(s, ""), events, "broke the budget of saga %s: its actions were attempted %d times, and the budget over all of them is %d", s.ID, len(as), b.Attempts)
		return
	}
	if wantsMore(s, as) {
		t.held(wholeAttempts, 1)
	}
}

// wantsMore tells whether the saga would have gone on but for its budget: its last attempt
// failed transiently, and its own policy allows another; or steps were left.
func wantsMore(s *history.SagaRecord, as []*history.Attempt) bool {
	end := as[len(as)-1]
	if mayHaveBeenAsked(s) || end.Ended == nil {
		return false
	}
	s = LastRound(s)
	for _, step := range s.Definition.Steps {
		o := s.Op(step.Name, saga.Action)
		if mayHaveLearnt(o, saga.Permanent) {
			return false
		}
		if o != nil && slices.Contains(o.Attempts, end) {
			most := o.Call.Retry.Most()
			if end.Learnt() == saga.Transient && most > 0 && len(sent(o)) >= most {
				return false
			}
		}
	}
	return end.Learnt() == saga.Transient || end.Learnt() == saga.Done && unbegun(s)
}

// unbegun tells whether a step was never attempted that the budget counts, and that the saga needs:
// of two of which one stands for the other, either will do.
func unbegun(s *history.SagaRecord) bool {
	ways := s.Definition.Fallbacks()
	return slices.ContainsFunc(s.Definition.Steps, func(step saga.Step) bool {
		spared := acknowledged(s.Op(step.FallbackFor, saga.Action)) != nil || firstSent(s.Op(ways[step.Name], saga.Action)) != nil
		return step.Budgeted() && s.Op(step.Name, saga.Action) == nil && !spared
	})
}

func checkWholeTime(t *tally, tm *timing, s *history.SagaRecord, b saga.Budget, as []*history.Attempt) {
	accepted := s.Accepted[0]
	switch past, why := tm.beganPast(accepted, b.Time(), as); {
	case past != nil:
		t.violate(wholeTime, action(s, ""), []*history.Event{accepted, past.Sent}, "broke the budget of saga %s: an attempt began %v after it was accepted, and the budget is %v", s.ID, (past.Sent.From() - accepted.At).Round(time.Millisecond), b.Time())
		return
	case why != "":
		t.unjudgeable(wholeTime, "%s", why)
		return
	case roundTooLate(tm, s):
		t.held(wholeTime, 1)
		return
	}
	end := as[len(as)-1]
	if len(as) == b.Attempts || !wantsMore(s, as) {
		return
	}
	next := end.LearntAt()
	for _, step := range inRounds(s) {
		if o := s.Op(step.Name, saga.Action); o != nil && slices.Contains(o.Attempts, end) && end.Learnt() == saga.Transient {
			_, hi := o.Call.Retry.Band(end.N + 1)
			next += max(hi, retryAfter(end))
		}
	}
	if next > accepted.At+b.Time() {
		t.held(wholeTime, 1)
	}
}

// budgetMayBeSpent tells whether the budget of a saga may have ended what it did until an
// event: as many attempts had been sent as it allows, or sent unseen, or its time was over, or
// would have been before the next attempt.
func budgetMayBeSpent(h *history.History, ix *history.Index, s *history.SagaRecord, ds []disturbance, before *history.Event) bool {
	s = ix.Saga(s.ID) // all of it
	b := s.Definition.Budget
	if b == (saga.Budget{}) || before == nil || len(s.Submitted) == 0 {
		return false
	}
	n, wait := kills(ds, 0, before.Seq), time.Duration(0)
	for _, step := range inRounds(s) {
		if o := s.Op(step.Name, saga.Action); o != nil && step.Budgeted() {
			n += len(sent(o))
			for _, a := range sent(o) {
				_, hi := o.Call.Retry.Band(a.N + 1)
				wait = max(wait, hi, retryAfter(a))
			}
			if h.MayBeRefused(o.Op) {
				return true
			}
		}
	}
	late := lateAtMost(ix.Lag)
	return b.Attempts > 0 && n >= b.Attempts || b.TimeMS > 0 && before.At+wait+late > s.Submitted[0].At+b.Time()
}
