package checkers

import (
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
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
// saga-ended. Only attempts that the orchestrator sent count, not copies that
// the network made. A deferrable step, and a pivot that can't be undone, may go
// on beyond their policy. A kill may cost the count of one attempt. Cost: linear.
type RetryBudget struct{}

var _ Checker = RetryBudget{}

// Doc documents the checker.
func (RetryBudget) Doc() Doc {
	return Doc{
		Name:       "retry-budget",
		Definition: "More attempts than the policy's maximum, or a new attempt after its deadline; or fewer than it promises while the errors were transient.",
		Source:     "the saga's retry policy; n8n #9236, n8n #12096",
		Clauses:    []Clause{{Name: whole, Text: "TODO"}},
		Evidence:   "call-sent, call-ended and saga-ended. At risk: operations with an attempt that failed transiently. An attempt counts as late when it begins more than 50 ms after the deadline.",
		Blind:      "Deferrable steps and pivots without a compensation, which may go on beyond their policy; one attempt more for each kill; deadlines across a kill, a pause or a store outage; giving up early when anything else could have been the reason (another step failed, an operator, a breaker, a deadline, a refused connection, an attempt that timed out before it reached the wire, which may be any where half of a time-out passes between the wire and a participant).",
		Cost:       "linear",
		Needs:      []string{"max-attempts"},
	}
}

// Check judges a history.
func (c RetryBudget) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	ds := disturbances(h, ix)
	for _, s := range ix.Sagas {
		for _, o := range opsOf(s) {
			as := sent(o)
			if o.Learnt(saga.Transient) != nil {
				t.held(whole, 1)
			}
			if len(as) == 0 || endless(s, o.Op) {
				continue
			}
			tooMany(t, o, as, ds)
			tooLate(t, h, o, as, ds)
			if len(ds) == 0 && gaveUpEarly(h, ix, s, o, as) {
				events := []*history.Event{s.Ended, last(s.Reports)}
				for _, a := range as {
					events = append(events, a.Ended)
				}
				t.violate(whole, o.Op, events, "broke the retry policy: %s was given up after %s, all of which failed transiently, and the policy allows %s", o.Op, plural(len(as), "attempt"), promised(o.Call.Retry))
			}
		}
	}
	return t.verdict("no attempt failed transiently")
}

func promised(p saga.RetryPolicy) string {
	if p.MaxAttempts == 0 {
		return "as many as it takes"
	}
	return plural(p.MaxAttempts, "attempt")
}

func tooMany(t *tally, o *history.OpRecord, as []*history.Attempt, ds []disturbance) {
	most := o.Call.Retry.MaxAttempts
	if most == 0 || len(as) <= most {
		return
	}
	if most += kills(ds, as[0].Sent.Seq, as[len(as)-1].Sent.Seq); len(as) <= most {
		return
	}
	var events []*history.Event
	for _, a := range as[:most+1] {
		events = append(events, a.Sent)
	}
	t.violate(whole, o.Op, events, "broke the retry policy: %s was attempted %d times, and the policy allows %d", o.Op, len(as), o.Call.Retry.MaxAttempts)
}

func tooLate(t *tally, h *history.History, o *history.OpRecord, as []*history.Attempt, ds []disturbance) {
	deadline := time.Duration(o.Call.Retry.DeadlineMS) * time.Millisecond
	if deadline == 0 || !slices.Contains(h.Header.Orchestrator.Capabilities, "deadline") {
		return
	}
	first := as[0].Sent
	for _, a := range as[1:] {
		if late := a.Sent.At - first.At; late > deadline+measuringTolerance && !disturbed(ds, first.Seq, a.Sent.Seq) {
			t.violate(whole, o.Op, []*history.Event{first, a.Sent}, "broke the retry policy: attempt %d of %s began %v after the first, and the deadline is %v", a.N, o.Op, late.Round(time.Millisecond), deadline)
			return
		}
	}
}

// gaveUpEarly tells whether an operation surely was given up before the end of
// its policy, with nothing but transient failures and no other reason to stop.
func gaveUpEarly(h *history.History, ix *history.Index, s *history.SagaRecord, o *history.OpRecord, as []*history.Attempt) bool {
	p := o.Call.Retry
	compensated := s.Ended != nil && s.Ended.Status == saga.Compensated
	switch {
	case !compensated && (s.Ended != nil || s.Status() != saga.Stuck):
		return false
	case p.MaxAttempts > 0 && len(as) >= p.MaxAttempts, p.DeadlineMS > 0, o.Call.Breaker != nil:
		return false
	case hidingFault(h), len(s.Operator) > 0, starved(ix, s):
		return false
	}
	for _, a := range o.Attempts {
		if a.Learnt() != saga.Transient {
			return false
		}
	}
	if stop := stopEvent(s, o); stop == nil || attemptMayHide(as, p, stop) || attemptMayHideBefore(s, as[0], p) {
		return false
	}
	if compensated && o.Op.Direction == saga.Compensation {
		return true // whatever else failed: it is reported as undone
	}
	return !slices.ContainsFunc(opsOf(s), func(other *history.OpRecord) bool {
		return other != o && reasonToStop(h, s, other)
	})
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
	limit := p.AttemptTimeout()
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
	limit := p.AttemptTimeout()
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
