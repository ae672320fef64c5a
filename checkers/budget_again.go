package checkers

import (
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// What a saga promises that is run forward in rounds: see saga.Definition.InRound.

// The clauses of retry-budget about rounds of a saga.
const (
	againMost    = "rounds-of-saga"
	againRefused = "refused-is-over"
	againRuns    = "run-again"
	againWait    = "wait-between-rounds"
)

var (
	sagaRounds   = Trait{"a saga that is run forward in rounds", anyDefinition(saga.Definition.HasRounds)}
	roundsInTime = Trait{"time for all rounds of a saga in its budget", anyDefinition(func(d saga.Definition) bool {
		return d.HasRounds() && (d.Budget.TimeMS == 0 || d.Budget.Time() > time.Duration(d.Rounds-1)*d.RoundDelay()*3/2)
	})}
	waitingRounds = Trait{"a wait between the rounds of a saga", anyDefinition(func(d saga.Definition) bool {
		return d.HasRounds() && d.RoundDelay() > 2*timerTolerance
	})}
)

func againClauses() []Clause {
	wants, needs := []Trait{sagaRounds}, []string{"saga-rounds"}
	return []Clause{
		{Name: againMost, Text: "a saga is run forward no more often than rounds: those that were as often as that, and undone", Wants: []Trait{roundsInTime}, Needs: needs},
		{Name: againRefused, Text: "one of which an action was refused for good, or that an operator had undone, is not run again", Wants: wants, Needs: needs},
		{Name: againRuns, Text: "one that was undone because attempts came to nothing is run again as long as there are rounds left, and its budget lasts", Wants: wants, Needs: needs},
		{Name: againWait, Text: "a round begins no sooner than round_delay_ms after the last attempt of the one before was over, less 2 ms, measured from the earliest moment at which that can have been over, across kills too: rounds of which it would be seen if there were no wait", Wants: []Trait{waitingRounds}, Needs: needs},
	}
}

// checkAgain looks at the rounds of a saga.
func checkAgain(t *tally, tm *timing, s *history.SagaRecord) {
	if !s.Definition.HasRounds() {
		return
	}
	parts, most := roundsApart(s), s.Definition.Rounds
	for i, part := range parts[:len(parts)-1] {
		next := part.Ended
		checkRoundWait(t, tm, s, part)
		switch over := wasOver(tm.ix, part); {
		case i+1 >= most:
			t.violate(againMost, action(s, ""), []*history.Event{next}, "broke the rounds of saga %s: it was run forward again after %d rounds, and may be run in %d", s.ID, i+1, most)
			return
		case over == nil || over.Seq > next.Seq:
			t.held(againRuns, 1)
		case disturbed(tm.ds, over.Seq, next.Seq):
			t.unjudgeable(againRefused, wasDisturbed)
		case over.Kind == history.SagaOperator && !goesForward(parts[i+1], over):
			t.unjudgeable(againRefused, "the next round may have begun when the operator was answered")
		default:
			t.violate(againRefused, action(s, ""), []*history.Event{over, next}, "broke the rounds of saga %s: it was run forward again, although %s", s.ID, whyOver(over))
			return
		}
	}
	checkLastRound(t, tm, s, parts)
}

// checkLastRound looks at a saga that was undone, and not run again.
func checkLastRound(t *tally, tm *timing, s *history.SagaRecord, parts []*history.SagaRecord) {
	last := parts[len(parts)-1]
	if last.Ended == nil || last.Ended.Status != saga.Compensated {
		return
	}
	if over := wasOver(tm.ix, last); over != nil && over.Seq < last.Ended.Seq {
		if len(parts) < s.Definition.Rounds {
			t.held(againRefused, 1)
		}
		return
	}
	if len(parts) >= s.Definition.Rounds && !mayBeOver(tm.ix, s, last) {
		t.held(againMost, 1)
		return
	}
	if why := mayNotRunAgain(tm, s, last); why != "" {
		t.unjudgeable(againRuns, "%s", why)
		return
	}
	t.violate(againRuns, action(s, ""), []*history.Event{last.Ended}, "broke the rounds of saga %s: it was given up after %d of %d, although nothing of it had been refused", s.ID, len(parts), s.Definition.Rounds)
}

// goesForward tells whether a round surely goes forward after an event: an action of it was decided later. That the wire noted
// its first call later is not enough: it may have been on its way.
func goesForward(round *history.SagaRecord, over *history.Event) bool {
	return slices.ContainsFunc(opsOf(round), func(o *history.OpRecord) bool {
		return o.Op.Direction == saga.Action && slices.ContainsFunc(sent(o), func(a *history.Attempt) bool { return causedAfter(round, o, a, over) })
	})
}

// mayNotRunAgain says why there may have been a reason not to run a saga again, or it may have been run again unseen;
// empty: there is none.
func mayNotRunAgain(tm *timing, s, last *history.SagaRecord) string {
	ix := tm.ix
	switch {
	case mayBeOver(ix, s, last):
		return "an action may have been refused, or an operator have asked for the rollback"
	case mayBeTooLate(tm, s, last.Ended):
		return "the time of its budget may have been over when another round would have begun"
	case budgetMayBeSpent(ix.History, ix, last, tm.ds, last.Ended):
		return "its budget may have been spent"
	case policiesChanged(ix, last.Ended.Seq):
		return otherPolicies
	case starved(ix, s):
		return tooLateToSay
	case roundMayHide(ix, s, last):
		return unseen
	}
	return ""
}

// roundMayHide tells whether another round may have come to nothing without a trace, at a step with which it begins: it
// was refused, or there was time for as many attempts that timed out before they came to the wire as it may have.
func roundMayHide(ix *history.Index, s, last *history.SagaRecord) bool {
	quiet := last.Ended.At - s.Definition.RoundDelay()
	if n := len(s.Calls); n > 0 {
		quiet -= s.Calls[n-1].At
	}
	for i, step := range last.Definition.Steps {
		retry := step.Action.Retry
		limit, most := retry.ShortestTimeout(), retry.Most()
		switch {
		case len(last.Definition.Predecessors(i)) > 0:
		case step.Action.Breaker != nil, ix.History.MayBeRefused(action(s, step.Name)):
			return true
		case limit > 0 && most > 0 && quiet >= time.Duration(most)*limit:
			return true
		}
	}
	return false
}

// wasOver is the first event from which the orchestrator surely learnt that a round is the last one: a refusal for
// good of what was not found to be done all the same, or else an operator's request; nil: there is none.
func wasOver(ix *history.Index, s *history.SagaRecord) (first *history.Event) {
	note := func(e *history.Event) {
		if first == nil || e.Seq < first.Seq {
			first = e
		}
	}
	for _, step := range s.Definition.Steps {
		if o := s.Op(step.Name, saga.Action); o != nil && len(o.Found) == 0 {
			if no := refusal(ix.History, o); no != nil {
				note(no.Ended)
			}
		}
	}
	for _, e := range s.Operator {
		if saga.Classify(e.Code) == saga.Done && (first == nil || first.Kind == history.SagaOperator) {
			note(e)
		}
	}
	return first
}

func whyOver(e *history.Event) string {
	if e.Kind == history.SagaOperator {
		return "an operator had asked for its rollback"
	}
	return e.Operation().String() + " had been refused for good"
}

// mayBeOver tells whether the orchestrator may have learnt of a reason not to run a saga again after a round.
func mayBeOver(ix *history.Index, s, round *history.SagaRecord) bool {
	return mayHaveBeenAsked(s) || slices.ContainsFunc(round.Definition.Steps, func(step saga.Step) bool {
		o := round.Op(step.Name, saga.Action)
		return o != nil && (mayHaveLearnt(o, saga.Permanent) || mayBeRefused(ix.History, o))
	})
}

// mayBeTooLate tells whether the time of the budget may have been over when another round would have begun, after an event: one
// may be waited for half as long again.
func mayBeTooLate(tm *timing, s *history.SagaRecord, e *history.Event) bool {
	b := s.Definition.Budget
	if b.TimeMS == 0 {
		return false
	}
	late := lateAtMost(tm.lag)
	return len(s.Submitted) == 0 || e.At+s.Definition.RoundDelay()*3/2+late > s.Submitted[0].At+b.Time()
}

// roundTooLate tells whether a saga would surely have been run forward again, but for the time of its budget.
func roundTooLate(tm *timing, s *history.SagaRecord) bool {
	parts := roundsApart(s)
	last := parts[len(parts)-1]
	if len(parts) >= s.Definition.Rounds || last.Ended == nil || last.Ended.Status != saga.Compensated || wasOver(tm.ix, last) != nil || mayBeOver(tm.ix, s, last) {
		return false
	}
	over := tm.overOf(last)
	return over.last != nil && over.earliest+s.Definition.RoundDelay() > s.Accepted[0].At+s.Definition.Budget.Time()
}
