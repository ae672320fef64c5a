package checkers

import (
	"math"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/words"
	"github.com/sagacheck/sagacheck/saga"
)

// measuringTolerance is how much later than its decision an attempt may be seen
// on the wire.
const measuringTolerance = 50 * time.Millisecond

// RetryBudget finds operations that were attempted more often than their policy
// allows, or after its deadline, or that were given up too early although all
// their failures were transient.
//
// Source: the saga's policy (docs/contract.md). Evidence: call-sent, call-ended,
// saga-ended. A budget of the saga, over all layers of retries, is judged too: see
// saga.Budget; and so are the rounds of an action, between which the participant is asked
// what it holds (call-read): see budget_rounds.go. Only attempts that the orchestrator sent count, not copies that
// the network made; and only retries: what is sent after a good answer is
// redundant-call's matter, after a refusal retried-permanent-error's. A deferrable
// step, and a pivot that can't be undone, may go on beyond their policy
// (degradation-failure, pivot-violation). A kill may cost the count of one attempt.
// Cost: linear.
type RetryBudget struct{}

var _ Checker = RetryBudget{}

// The clauses of retry-budget.
const (
	budgetAction       = "maximum-of-action"
	budgetCompensation = "maximum-of-compensation"
	budgetAfterCrash   = "maximum-after-crash"
	budgetDeadline     = "deadline"
	promisedAction     = "promised-to-action"
	promisedUndo       = "promised-to-compensation"
	wholeAttempts      = "attempts-of-saga"
	wholeTime          = "time-of-saga"
)

// Doc documents the checker.
func (RetryBudget) Doc() Doc {
	return Doc{
		Name:       "retry-budget",
		Definition: "More attempts than the policy's maximum, or the saga's budget, or a new attempt after its deadline; or fewer than it promises while the errors were transient.",
		Source:     "the saga's retry policy; n8n #9236, n8n #12096",
		Clauses: slices.Concat([]Clause{
			{Name: budgetAction, Text: "an action is attempted no more often than its policy allows: actions that failed as often as that", Wants: []Trait{boundedActions}},
			{Name: budgetCompensation, Text: "nor is a compensation", Wants: []Trait{boundedUndos}},
			{Name: budgetAfterCrash, Text: "nor is an operation that the orchestrator was killed in, but for one attempt more a kill", Wants: []Trait{boundedActions}, Does: []string{history.Kill}},
			{Name: budgetDeadline, Text: "no attempt begins more than 50 ms, and ten times the longest lag of the cell, after the deadline: operations whose next attempt could have", Wants: []Trait{deadlines}, Needs: []string{"deadline"}},
			{Name: promisedAction, Text: "an action that fails transiently is attempted again while its policy allows it", Wants: []Trait{repeatedActions}},
			{Name: promisedUndo, Text: "so is a compensation", Wants: []Trait{repeatedUndos}},
			{Name: wholeAttempts, Text: "the actions of a saga together are attempted no more often than its budget allows, but for one attempt more a kill: sagas that would have gone on", Wants: []Trait{spentAttempts}, Needs: []string{"saga-budget"}},
			{Name: wholeTime, Text: "nor more than 50 ms, and ten times the longest lag of the cell, after the time that its budget gives them since it was accepted: sagas that would have gone on then", Wants: []Trait{spentTime}, Needs: []string{"saga-budget"}},
		}, roundClauses(), againClauses()),
		Evidence:  "call-sent, call-ended and saga-ended; of rounds of a step also call-read.",
		Prevented: "Counting attempts in the store, the intent before each call, so that a restart does not begin anew.",
		Blind:     "Deferrable steps and pivots without a compensation, which go on beyond their policy (see degradation-failure and pivot-violation); one attempt more for each kill; deadlines, and the time of a budget, across a kill, a pause or a store outage; giving up early when anything else could have been the reason (another step failed, an operator, a breaker, a deadline that the next attempt may have missed, a refused connection, an attempt that timed out before it reached the wire, which may be any where half of a time-out passes between the wire and a participant); whether a round began after an operator was answered, if nothing but first calls show it.",
		Cost:      "linear",
		Needs:     []string{"max-attempts"},
	}
}

// Check judges a history.
func (c RetryBudget) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	tm := newTiming(ix)
	for _, s := range singleSagas(h, ix) {
		if !isGivenUp(s) {
			checkWhole(t, tm, ix.Saga(s.ID))
			checkAgain(t, tm, ix.Saga(s.ID))
		}
		for _, o := range opsOf(s) {
			as := tries(s, o)
			if len(as) == 0 || endless(s, o.Op) {
				continue
			}
			checkMaximum(t, h, o, as, tm.ds)
			checkDeadline(t, tm, o, as)
			checkPromised(t, h, ix, s, o, as, tm.ds)
			checkRounds(t, tm, s, o, as)
		}
	}
	return t.verdict("no attempt failed transiently")
}

// tries are the attempts of an operation that the orchestrator sent, up to the
// first good answer or refusal that it may have learnt, or up to the end of the
// saga: what is sent after that is no retry.
func tries(s *history.SagaRecord, o *history.OpRecord) []*history.Attempt {
	as := sent(o)
	over := math.MaxInt
	if s.Ended != nil && !endless(s, o.Op) {
		over = s.Ended.Seq
	}
	for i, a := range as {
		if a.Sent.Seq > over {
			return as[:i]
		}
		if a.Ended != nil && a.Ended.Code != 0 && !a.Severed() && saga.Classify(a.Ended.Code) != saga.Transient {
			over = min(over, a.Ended.Seq)
		}
	}
	return as
}

// failedAll tells whether the last of the tries failed transiently: another one
// could have been wanted.
func failedAll(as []*history.Attempt) bool { return as[len(as)-1].Learnt() == saga.Transient }

func promised(p saga.RetryPolicy) string {
	if p.Most() == 0 {
		return "as many as it takes"
	}
	return words.Plural(p.Most(), "attempt")
}

func checkMaximum(t *tally, h *history.History, o *history.OpRecord, as []*history.Attempt, ds []disturbance) {
	most := o.Call.Retry.Most()
	if most == 0 || len(as) < most {
		return
	}
	clause := budgetAction
	if o.Call.Retry.Rounds > 1 {
		clause = roundsMost
	}
	if o.Op.Direction == saga.Compensation {
		clause = budgetCompensation
	}
	if kills(ds, as[0].Sent.Seq, h.Events[len(h.Events)-1].Seq) > 0 {
		clause = budgetAfterCrash
	}
	allowed := most + kills(ds, as[0].Sent.Seq, as[len(as)-1].Sent.Seq)
	switch {
	case len(as) > allowed:
		var events []*history.Event
		for _, a := range as[:allowed+1] {
			events = append(events, a.Sent)
		}
		t.violate(clause, o.Op, events, "broke the retry policy: %s was attempted %d times, and the policy allows %d", o.Op, len(as), most)
	case failedAll(as):
		t.held(clause, 1)
	case as[len(as)-1].Learnt() == "":
		t.unjudgeable(clause, notCertain)
	}
}

// checkDeadline looks for an attempt that began after the deadline. One that was due in
// time may be seen later by as much as the machine was late.
func checkDeadline(t *tally, tm *timing, o *history.OpRecord, as []*history.Attempt) {
	deadline := time.Duration(o.Call.Retry.DeadlineMS) * time.Millisecond
	if deadline == 0 {
		return
	}
	first := as[0].Sent
	switch past, why := tm.beganPast(first, deadline, as[1:]); {
	case past != nil:
		t.violate(budgetDeadline, o.Op, []*history.Event{first, past.Sent}, "broke the retry policy: attempt %d of %s began %v after the first, and the deadline is %v", past.N, o.Op, (past.Sent.From() - first.At).Round(time.Millisecond), deadline)
		return
	case why != "":
		t.unjudgeable(budgetDeadline, "%s", why)
		return
	}
	end := as[len(as)-1]
	most := o.Call.Retry.Most()
	if !failedAll(as) || most > 0 && len(as) >= most {
		return
	}
	if _, hi := o.Call.Retry.Band(end.N + 1); end.LearntAt()+hi > first.At+deadline {
		t.held(budgetDeadline, 1)
	}
}

// checkPromised looks at an operation with attempts left after one that failed.
func checkPromised(t *tally, h *history.History, ix *history.Index, s *history.SagaRecord, o *history.OpRecord, as []*history.Attempt, ds []disturbance) {
	p := o.Call.Retry
	clause := promisedAction
	if o.Op.Direction == saga.Compensation {
		clause = promisedUndo
	}
	if !failedAll(as) || p.Most() > 0 && len(as) >= p.Most() || len(o.Found) > 0 {
		if len(as) > 1 && as[0].Learnt() == saga.Transient {
			t.held(clause, 1)
		}
		return
	}
	end := endEvent(s)
	if end == nil || end.Status == saga.Completed || deadlineNear(ix, p, o.Call.RetryBudget, as) || o.Call.Breaker != nil || stoppedForAReason(h, s, o) || o.Op.Direction == saga.Action && budgetMayBeSpent(h, ix, s, ds, end) {
		return // nothing shows that it was given up, or there was a reason
	}
	if why := mayGoUnseen(h, ix, s, o, as, ds); why != "" {
		t.unjudgeable(clause, "%s", why)
		return
	}
	events := []*history.Event{last(s.Reports), stopEvent(s, o)}
	for _, a := range as {
		events = append(events, a.Ended)
	}
	t.violate(clause, o.Op, events, "broke the retry policy: %s was given up after %s, all of which failed transiently, and the policy allows %s", o.Op, words.Plural(len(as), "attempt"), promised(p))
}

// deadlineNear tells whether the next attempt may have come to lie past the deadline,
// which counts from the first one.
func deadlineNear(ix *history.Index, p saga.RetryPolicy, budget *saga.RetryBudget, as []*history.Attempt) bool {
	if p.DeadlineMS == 0 {
		return false
	}
	end := as[len(as)-1]
	_, wait := p.Band(end.N + 1)
	late := lateAtMost(ix.Lag) + saga.LongestHold(ix.History.Header.Definitions, budget)
	return end.LearntAt()+max(wait, retryAfter(end))+late > as[0].Sent.At+time.Duration(p.DeadlineMS)*time.Millisecond
}

// stoppedForAReason tells whether something else may be the reason why an operation
// was not attempted further. What turned the saga is no reason to give up a
// compensation, only another compensation that failed is; and one that is reported as
// done has none.
func stoppedForAReason(h *history.History, s *history.SagaRecord, o *history.OpRecord) bool {
	undo := o.Op.Direction == saga.Compensation
	if undo && s.Ended != nil && s.Ended.Status == saga.Compensated {
		return false
	}
	return !undo && mayHaveBeenAsked(s) || slices.ContainsFunc(opsOf(s), func(other *history.OpRecord) bool {
		return other != o && (!undo || other.Op.Direction == saga.Compensation) && reasonToStop(h, s, other)
	})
}

// mayGoUnseen says why further attempts may have been made that nobody saw, or
// those that were seen failed in another way; empty: there is no such reason.
func mayGoUnseen(h *history.History, ix *history.Index, s *history.SagaRecord, o *history.OpRecord, as []*history.Attempt, ds []disturbance) string {
	stop := stopEvent(s, o)
	switch {
	case len(ds) > 0:
		return wasDisturbed
	case uncertain(o):
		return notCertain
	case starved(ix, s):
		return tooLateToSay
	case o.Call.Retry.Most() == 0: // however many went unseen, they don't use it up
		return ""
	case h.MayBeRefused(o.Op), attemptMayHide(as, o.Call.Retry, stop), attemptMayHideBefore(s, as[0], o.Call.Retry):
		return unseen
	}
	return ""
}

// reasonToStop tells whether an operation may have been the reason why the
// orchestrator retried no other one.
func reasonToStop(h *history.History, s *history.SagaRecord, o *history.OpRecord) bool {
	step, _ := s.Definition.Step(o.Op.Step)
	if step.Kind == saga.Deferrable && o.Op.Direction == saga.Action {
		return false
	}
	return mayHaveLearnt(o, saga.Permanent) || usedUp(h, o)
}

// stopEvent is the first sign that an operation is not attempted any more: of an
// action that the saga is on its way back or stuck, of a compensation the end.
func stopEvent(s *history.SagaRecord, o *history.OpRecord) *history.Event {
	end := endEvent(s)
	if back := rollbackEvent(s); o.Op.Direction == saga.Action && back != nil && (end == nil || back.Seq < end.Seq) {
		return back
	}
	return end
}

// attemptMayHideBefore tells whether there was time for one before the first that
// was seen: since the saga was submitted, or since the last of its calls that
// came before.
func attemptMayHideBefore(s *history.SagaRecord, first *history.Attempt, p saga.RetryPolicy) bool {
	limit := p.ShortestTimeout()
	if limit == 0 {
		return false
	}
	var since time.Duration
	if len(s.Submitted) > 0 {
		since = s.Submitted[0].At
	}
	for _, e := range s.Calls {
		if e.Seq >= first.Sent.Seq {
			break
		}
		since = e.At
	}
	return first.Sent.At-since >= limit
}

// attemptMayHide tells whether there was time, between the attempts that were
// seen or after them, for one that timed out before its first byte came to the
// wire, as happens on an overloaded machine.
func attemptMayHide(as []*history.Attempt, p saga.RetryPolicy, stop *history.Event) bool {
	limit := p.ShortestTimeout()
	if limit == 0 {
		return false
	}
	for i, a := range as {
		next := stop
		if i+1 < len(as) {
			next = as[i+1].Sent
		}
		if lo, _ := p.Band(a.N + 1); next.At-earliestFailure(a) >= lo+limit {
			return true
		}
	}
	return false
}
