package checkers

import (
	"fmt"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// StuckSaga finds accepted sagas that have not ended although all faults have
// healed and the settle time has passed: the liveness of the orchestrator.
//
// Source: DBOS-py #805 (no progress after heal). Evidence: saga-accepted,
// saga-ended, settled, the retry policies. A saga that is reported as stuck for
// a good reason (what must succeed was refused for good, or is at the end of its
// policy) is a person's matter. If the policy allows a wait that is longer than
// the settle time, the orchestrator was never started again, or the machine was so
// late that attempts may have timed out unseen all the time, it can't be told: one that was
// silent for longer than ten such attempts take did nothing.
// Cost: linear.
type StuckSaga struct{}

var _ Checker = StuckSaga{}

// Doc documents the checker.
func (StuckSaga) Doc() Doc {
	return Doc{
		Name:       "stuck-saga",
		Definition: "All faults have healed, the settle time has passed, and an accepted saga has not ended (liveness).",
		Source:     "DBOS-py #805",
		Clauses: []Clause{
			{Name: endsCalm, Text: "an accepted saga to which nothing happens ends"},
			{Name: endsTrouble, Text: "an accepted saga ends though faults struck, once they have healed"},
			{Name: endsCrash, Text: "it ends though the orchestrator was killed while it was under way", Does: []string{history.Kill}},
			{Name: endsTurned, Text: "it ends though a step was refused for good or ran out of attempts, or an operator asked for the rollback: it is rolled back"},
			{Name: endsPivot, Text: "it ends though the attempts of a pivot that can't be undone were used up while its outcome was unknown: the pivot is attempted until that is known", Needs: []string{"pivot"}, Wants: []Trait{openPivots}},
			{Name: saysStuck, Text: "a saga that can't end since a compensation, or a step after the pivot, was refused for good or ran out of attempts, says that it is stuck", Wants: []Trait{mustSucceed}},
		},
		Evidence:  "saga-accepted, saga-status, saga-ended, saga-operator, settled, and the events of calls",
		Prevented: "Recovery that takes up every saga that is not over, and attempts that always have a time-out.",
		Blind:     "What a person makes of a saga that says stuck. A settle time shorter than the waits of the policy, a machine so late that ten attempts which time out before their first byte would fill the silence, or a real service that is too slow, makes it inconclusive; so does an orchestrator without max-attempts that still tries what the participant itself refuses as often as it is asked.",
		Cost:      "linear",
	}
}

// The clauses: in which situation a saga must come to its end.
const (
	endsCalm    = "calm"
	endsTrouble = "after-trouble"
	endsCrash   = "after-crash"
	endsTurned  = "turned"
	endsPivot   = "pivot-unknown"
	saysStuck   = "says-stuck"
)

// Check judges a history.
func (c StuckSaga) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	ds := disturbances(h, ix)
	for _, s := range ix.Sagas {
		if len(s.Accepted) == 0 || isGivenUp(s) {
			continue
		}
		clause := ending(h, ix, ds, s)
		if s.Ended != nil || clause == saysStuck && s.Status().Left() {
			t.held(clause, 1)
			continue
		}
		if why := unsettled(h, ix, ds, s); why != "" {
			t.unknown(clause, "a saga has not ended, %s", why)
		} else {
			t.violate(clause, action(s, ""), []*history.Event{s.Accepted[0], last(s.Calls), last(s.Reports), ix.Settled},
				"broke liveness: saga %s has not ended; it is reported as %q, and when all had settled was pending: %s%s", s.ID, s.Status(), orNothing(ix.Settled.Detail), waitedFor(h))
		}
	}
	return t.verdict("no saga was accepted")
}

// waitedFor says how long a saga has to end, and what to do for an orchestrator that takes longer; empty: the
// history does not say.
func waitedFor(h *history.History) string {
	if h.Header.SettleMS == 0 {
		return ""
	}
	return fmt.Sprintf("; it had %v to end (an orchestrator that resumes later than that: a longer --settle; in go test, Settle)", time.Duration(h.Header.SettleMS)*time.Millisecond)
}

// ending is the clause that the end of a saga falls under.
func ending(h *history.History, ix *history.Index, ds []disturbance, s *history.SagaRecord) string {
	switch {
	case s.Ended == nil && personsMatter(h, s) != "":
		return saysStuck
	case pivotUsedUp(s):
		return endsPivot
	case crashed(ds, s):
		return endsCrash
	case rollbackBegan(s), s.Ended != nil && s.Ended.Status == saga.Compensated:
		return endsTurned
	case faultFired(ix):
		return endsTrouble
	}
	return endsCalm
}

// pivotUsedUp tells whether a pivot that can't be undone came to the end of its
// policy without the orchestrator's surely knowing what became of it.
func pivotUsedUp(s *history.SagaRecord) bool {
	for _, step := range s.Definition.Steps {
		o := s.Op(step.Name, saga.Action)
		if o == nil || !openPivot(step) {
			continue
		}
		n := step.Action.Retry.Most()
		as := sent(o)
		if len(as) < n {
			continue
		}
		if !slices.ContainsFunc(as[:n], func(a *history.Attempt) bool {
			return a.Ended != nil && a.Ended.Code != 0 && saga.Classify(a.Ended.Code) != saga.Transient
		}) {
			return true
		}
	}
	return false
}

// unsettled says why nothing can be said yet of a saga without an end; empty: it can.
func unsettled(h *history.History, ix *history.Index, ds []disturbance, s *history.SagaRecord) string {
	switch {
	case ix.Settled == nil:
		return "and the history has no settle event"
	case disturbed(ds, ix.Settled.Seq, ix.Settled.Seq):
		return "but the orchestrator was not running at the end"
	case !s.Status().Left() && !settled(h, ix, s):
		return "and its time to settle had not passed"
	case triedUnseen(h, ix, s):
		return fmt.Sprintf("but the machine was too late for its time-outs: by %v", ms(ix.Lag))
	case tooSlow(h, ix, s) != "":
		return fmt.Sprintf("but the real service of %s answers later than the workflow waits", tooSlow(h, ix, s))
	case !keeps(h, "max-attempts") && refusedToTheEnd(ix, s):
		return "but a participant, which nothing strikes any more, still refuses a call as one that may be tried again, and the orchestrator has no maximum of attempts"
	case !s.Status().Left() && stillWaiting(h, s, ix.Settled.At):
		return "but its retry policy, or an answer, allows a wait beyond the settle time"
	}
	return ""
}

// refusedToTheEnd tells whether some call was tried as often as its policy says, and is refused by the participant
// itself each time that it is tried again, which may go on for ever: a lock that another saga holds, what is sold out. Who
// has been silent for more than twice the last wait tries no more, and who is on his way back needs no action.
func refusedToTheEnd(ix *history.Index, s *history.SagaRecord) bool {
	back := rollbackBegan(s)
	return slices.ContainsFunc(opsOf(s), func(o *history.OpRecord) bool {
		as := sent(o)
		if most := o.Call.Retry.Most(); most == 0 || len(as) < max(most, 2) || back && o.Op.Direction == saga.Action {
			return false
		}
		before, a := as[len(as)-2], as[len(as)-1]
		wait := a.Sent.At - before.Sent.At
		return a.Sent.At > undisturbedSince(ix, s) && len(a.Answered) > 0 && a.Learnt() == saga.Transient && ix.Settled.At-a.Sent.At <= 2*wait
	})
}

// settled tells whether at least half of the settle time has passed since the saga
// was accepted, the last fault struck or healed, and the orchestrator was there again: a harness in trouble ends its
// cell earlier, and sagas are accepted some time after it began. While some saga
// of the cell is not accepted, its client is at it and nothing settles.
func settled(h *history.History, ix *history.Index, s *history.SagaRecord) bool {
	if slices.ContainsFunc(ix.Sagas, func(s *history.SagaRecord) bool { return len(s.Accepted) == 0 }) {
		return false
	}
	return ix.Settled.At-undisturbedSince(ix, s) >= time.Duration(h.Header.SettleMS)*time.Millisecond/2
}

// undisturbedSince is when the saga was accepted, or the last unrest before the settle event was over.
func undisturbedSince(ix *history.Index, s *history.SagaRecord) time.Duration {
	return max(s.Accepted[0].At, ix.Unrest)
}

// unseenInARow is how many attempts in a row a machine that is late may hide: each must have timed out between its
// beginning and its first byte, since what has sent one byte is seen, however late.
const unseenInARow = 10

// triedUnseen tells whether a saga without an end may have been at it all the time, unseen, since the machine was late. One
// that says that it is stuck may have used its attempts up. Another one can't have been silent for longer than
// so many attempts take, each of which lasts no longer than its time-out or the worst lateness, after the
// longest wait before it.
func triedUnseen(h *history.History, ix *history.Index, s *history.SagaRecord) bool {
	silent := silence(ix, s)
	return slices.ContainsFunc(opsOf(s), func(o *history.OpRecord) bool {
		_, wait := o.Call.Retry.Band(len(o.Attempts) + unseenInARow)
		each := max(o.Call.Retry.AttemptTimeout(), ix.Lag) + wait + longestHold(h, o.Call)
		return outlasts(ix.Lag, o.Call.Retry) && (s.Status().Left() || silent <= unseenInARow*each)
	})
}

// silence is how long nothing had been seen of a saga, nor of faults, when all had settled.
func silence(ix *history.Index, s *history.SagaRecord) time.Duration {
	since := undisturbedSince(ix, s)
	for _, e := range slices.Concat(s.Calls, s.Callbacks, s.Reads, s.Operator) {
		if e.Seq < ix.Settled.Seq {
			since = max(since, e.At)
		}
	}
	return ix.Settled.At - since
}

// starved tells whether the machine was so late that attempts of the saga may have
// timed out for no other reason, some of them before they had sent anything.
func starved(ix *history.Index, s *history.SagaRecord) bool {
	for _, o := range s.Ops {
		if outlasts(ix.Lag, o.Call.Retry) {
			return true
		}
	}
	return false
}

// outlasts tells whether a machine that is so late lets attempts time out for no other reason.
func outlasts(lag time.Duration, p saga.RetryPolicy) bool {
	limit := p.ShortestTimeout()
	return limit > 0 && 2*lag >= limit
}

// stillWaiting tells whether the next attempt of some operation may be due only
// after the end of the history. A workflow of the user's own has no policy that anybody knows:
// the settle time is what it is given, unless an answer asks for more.
func stillWaiting(h *history.History, s *history.SagaRecord, end time.Duration) bool {
	for _, o := range s.Ops {
		a := o.Attempts[len(o.Attempts)-1]
		if a.Learnt() == saga.Done || a.Ended == nil || a.Ended.At > end { // the end of the cell ended it
			continue
		}
		if h.Header.Workflow != "" && retryAfter(a) == 0 {
			continue
		}
		_, hi := o.Call.Retry.Band(a.N + 1)
		wait := max(hi, retryAfter(a)) + longestHold(h, o.Call)
		if a.Ended.At+wait+slack(wait) > end {
			return true
		}
	}
	return false
}

// longestHold is how long what calls share may hold an attempt back beyond its wait: a circuit breaker, a retry budget.
func longestHold(h *history.History, c saga.Call) time.Duration {
	hold := saga.LongestHold(h.Header.Definitions, c.RetryBudget)
	if c.Breaker != nil {
		hold += c.Breaker.Open()
	}
	return hold
}

// retryAfter is the longest wait that the answers of an attempt asked for.
func retryAfter(a *history.Attempt) time.Duration {
	var d time.Duration
	for _, e := range a.Answered {
		d = max(d, time.Duration(e.RetryAfterMS)*time.Millisecond)
	}
	return d
}

// slack is what a wait may be longer than it should before it counts: timers and
// schedulers of busy machines are late.
func slack(d time.Duration) time.Duration { return max(750*time.Millisecond, d) }

func last(es []*history.Event) *history.Event {
	if len(es) == 0 {
		return nil
	}
	return es[len(es)-1]
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}
