package checkers

import (
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// What an action promises that is attempted in rounds: see saga.RetryPolicy.

// The clauses of retry-budget about rounds.
const (
	roundsMost  = "attempts-of-rounds"
	roundsAsked = "asked-between-rounds"
	roundsFound = "found-is-done"
)

var rounds = Trait{"an action that is attempted in rounds", anyStep(saga.Step.HasRounds)}

func roundClauses() []Clause {
	needs := []string{"rounds"}
	return []Clause{
		{Name: roundsMost, Text: "an action with rounds is attempted no more often than max_attempts times rounds: those that failed as often as that", Wants: []Trait{rounds}, Needs: needs},
		{Name: roundsAsked, Text: "no round but the first begins before the participant has been asked, under the key of the action, what it holds when the wait between rounds was over, but for one attempt more a kill: attempts that came after they were told that nothing is there", Wants: []Trait{rounds}, Needs: needs},
		{Name: roundsFound, Text: "an action that the participant was found to hold is neither attempted again nor given up: those of which no answer had come before", Wants: []Trait{rounds}, Needs: needs},
	}
}

// checkRounds follows the attempts of an action and what its participant told between its rounds: what
// somebody asks within a round is no question between two.
func checkRounds(t *tally, tm *timing, s *history.SagaRecord, o *history.OpRecord, as []*history.Attempt) {
	if o.Op.Direction != saga.Action || o.Call.Retry.Rounds < 2 {
		return
	}
	ix, ds := tm.ix, tm.ds
	var round []*history.Attempt
	for _, a := range as {
		if asked := askedAfter(ix, s, o, round, a.Sent, ds); len(asked) > 0 {
			if !checkFound(t, o, round, asked, a.Sent, ds) || !checkAsked(t, tm, s, o, round, asked, a) {
				return
			}
			round = nil
		}
		round = append(round, a)
		if most := o.Call.Retry.MaxAttempts + kills(ds, round[0].Sent.Seq, a.Sent.Seq); len(round) > most {
			t.violate(roundsAsked, o.Op, sentEvents(round), "broke the retry policy: %s was attempted %d times, and its participant was not asked in between, under its key, what it holds: a round is %d", o.Op, len(round), o.Call.Retry.MaxAttempts)
			return
		}
	}
	checkFoundLast(t, ix, s, o, as, round, ds)
}

func sentEvents(as []*history.Attempt) (es []*history.Event) {
	for _, a := range as {
		es = append(es, a.Sent)
	}
	return es
}

// checkAsked looks at what was asked before an attempt that began another round; false: it is broken. What
// arrives late has the wait between two rounds to arrive in: who asks before that is over knows nothing.
func checkAsked(t *tally, tm *timing, s *history.SagaRecord, o *history.OpRecord, round []*history.Attempt, asked []*history.Event, next *history.Attempt) bool {
	end, retry := round[len(round)-1], o.Call.Retry
	lo, hi := retry.Band(retry.MaxAttempts + 1)
	if end.Ended == nil {
		return true
	}
	waited := asked[len(asked)-1].At - tm.earliestFailure(o, end)
	switch {
	case waited >= lo-timerTolerance:
		t.held(roundsAsked, 1)
	case len(round) < retry.MaxAttempts, attemptMayHide(round, retry, next.Sent): // it may not have been over
	case tm.ix.History.MayBeRefused(o.Op):
		t.unjudgeable(roundsAsked, unseen)
	case disturbed(tm.ds, round[0].Sent.Seq, next.Sent.Seq):
		t.unjudgeable(roundsAsked, wasDisturbed)
	case tm.seenLate(o, end):
		t.unjudgeable(roundsAsked, tooLateToSay)
	case hurried(s, end, next):
		t.unjudgeable(roundsAsked, "an operator may have ended the wait")
	case policiesChanged(tm.ix, next.Sent.Seq):
		t.unjudgeable(roundsAsked, otherPolicies)
	default:
		t.violate(roundsAsked, o.Op, []*history.Event{end.Sent, asked[len(asked)-1], next.Sent}, "broke the retry policy: %s was attempted again after its participant was asked at most %v after a round had failed, and not when the wait of %v to %v was over", o.Op, ms(max(0, waited)), lo, hi)
		return false
	}
	return true
}

// checkFound looks at an attempt that began another round; false: it is broken.
func checkFound(t *tally, o *history.OpRecord, round []*history.Attempt, asked []*history.Event, next *history.Event, ds []disturbance) bool {
	found := surelyFound(o, round, asked)
	switch {
	case found == nil:
		return true
	case disturbed(ds, found.Seq, next.Seq):
		t.unjudgeable(roundsFound, wasDisturbed)
		return true
	}
	t.violate(roundsFound, o.Op, []*history.Event{found, next}, "broke the retry policy: %s was attempted again, although its participant had said that it is done", o.Op)
	return false
}

// checkFoundLast looks at an action that was found after the last of its attempts: it is done, and
// nothing but another step, or an operator, is a reason to go back.
func checkFoundLast(t *tally, ix *history.Index, s *history.SagaRecord, o *history.OpRecord, as, round []*history.Attempt, ds []disturbance) {
	stop := stopEvent(s, o)
	found := surelyFound(o, round, askedAfter(ix, s, o, round, stop, ds))
	if found == nil || stop == nil || !failedAll(as) {
		return
	}
	if stop == s.Ended && stop.Status == saga.Completed {
		t.held(roundsFound, 1)
		return
	}
	retry := o.Call.Retry
	switch state, why := coreBeside(ix, s, ds, stop, o.Op.Step); {
	case state == coreFailed || len(as) >= retry.Most() || deadlineNear(ix, retry, o.Call.RetryBudget, as) || o.Call.Breaker != nil:
		// there was a reason, or it may not have been the orchestrator who asked
	case state == coreUnsure:
		t.unjudgeable(roundsFound, "%s", why)
	case disturbed(ds, as[0].Sent.Seq, stop.Seq):
		t.unjudgeable(roundsFound, wasDisturbed)
	case starved(ix, s):
		t.unjudgeable(roundsFound, tooLateToSay)
	case ix.History.MayBeRefused(o.Op), usedUpUnseen(as, retry, stop), attemptMayHideBefore(s, as[0], retry):
		t.unjudgeable(roundsFound, unseen)
	default:
		t.violate(roundsFound, o.Op, []*history.Event{found, stop}, "broke the retry policy: %s was given up, although its participant had said that it is done", o.Op)
	}
}

// usedUpUnseen tells whether there was time for as many attempts that timed out before they came to the
// wire as were left.
func usedUpUnseen(as []*history.Attempt, p saga.RetryPolicy, stop *history.Event) bool {
	limit := p.ShortestTimeout()
	return limit > 0 && len(as)+int((stop.At-as[0].Sent.At)/limit) >= p.Most()
}

// surelyFound is the first answer after a round by which an action is done; nil: there is none, or
// another one says otherwise, or the round may have gone on.
func surelyFound(o *history.OpRecord, round []*history.Attempt, asked []*history.Event) *history.Event {
	if len(round) < o.Call.Retry.MaxAttempts {
		return nil
	}
	end := round[len(round)-1].Ended
	asked = slices.DeleteFunc(slices.Clone(asked), func(e *history.Event) bool { return end != nil && e.Seq < end.Seq })
	if len(asked) == 0 || slices.ContainsFunc(asked, func(e *history.Event) bool { return !isThere(e) }) {
		return nil
	}
	return asked[0]
}

func isThere(e *history.Event) bool { return saga.Classify(e.Code) == saga.Done }

// keyed: calls have keys, and by its key a participant finds what it is asked about.
func keyed(ix *history.Index) bool {
	return slices.Contains(ix.History.Header.Orchestrator.Capabilities, "idempotency-key")
}

// askedAfter are what a participant told of an action after a round, before an event or the end (nil).
// A round that looks shorter than it is to be is over where kills may have cost attempts of it, or some went
// unseen.
func askedAfter(ix *history.Index, s *history.SagaRecord, o *history.OpRecord, round []*history.Attempt, before *history.Event, ds []disturbance) (all []*history.Event) {
	if len(round) == 0 {
		return nil
	}
	first, last := round[0].Sent, round[len(round)-1]
	for _, e := range s.Reads {
		if e.Operation() != o.Op || e.Code == 0 || keyed(ix) && !e.AsksAbout(first.Key) || e.Seq < last.Sent.Seq || before != nil && e.Seq > before.Seq {
			continue
		}
		over := len(round)+kills(ds, first.Seq, e.Seq) >= o.Call.Retry.MaxAttempts
		ended := last.Ended == nil || e.Seq > last.Ended.Seq
		if over || ended && (ix.History.MayBeRefused(o.Op) || attemptMayHide(round, o.Call.Retry, e)) {
			all = append(all, e)
		}
	}
	return all
}
