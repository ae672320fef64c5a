package checkers

import (
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// AdaptiveOutOfBounds finds attempts whose time-out, and first waits, that followed the
// observed latency of a participant beyond the bounds of their policy.
//
// Source: docs/contract.md on policies that adapt; RFC 6298, 2.4 and 2.5, for why a
// retransmission timer has a floor and a ceiling. Evidence: fault-fired, call-sent, call-answered,
// call-ended. The time-out shows at attempts that nobody answered and that nothing but silence
// struck: it lasts from when the wire saw the attempt, or earlier by three times the longest lag
// of the cell, to the end of its connection, or to the next attempt. It was at risk at the floor if all calls that
// name the same had been answered so soon before that times their latency lies below it; at the
// ceiling if one had taken so long, or was silent. A wait is judged as backoff-violation judges
// waits. Cost: linear, times the attempts that were silent.
type AdaptiveOutOfBounds struct{}

var _ Checker = AdaptiveOutOfBounds{}

// The clauses of adaptive-out-of-bounds.
const (
	timeoutFloor   = "timeout-floor"
	timeoutCeiling = "timeout-ceiling"
	waitFloor      = "wait-floor"
)

// Doc documents the checker.
func (AdaptiveOutOfBounds) Doc() Doc {
	return Doc{
		Name:       "adaptive-out-of-bounds",
		Definition: "A time-out or a first wait that follows the observed latency leaves the bounds of its policy.",
		Source:     "docs/contract.md on policies that adapt; RFC 6298, 2.4 and 2.5",
		Clauses: []Clause{
			{Name: timeoutFloor, Text: "no attempt is given up sooner than min_timeout_ms, by more than three times the longest lag of the cell: silent attempts after answers that were so quick that the time-out would be shorter", Wants: []Trait{adaptives}},
			{Name: timeoutCeiling, Text: "nor later than attempt_timeout_ms, by more than 50 ms and ten times the longest lag of the cell: silent attempts after others that took so long that the time-out would be longer", Wants: []Trait{adaptives}},
			{Name: waitFloor, Text: "no second attempt comes sooner after the first than min_wait_ms, less jitter, by more than 2 ms: waits after answers that were quicker, of which it would be seen if there were none", Wants: []Trait{adaptiveWaits}},
		},
		Evidence:  "fault-fired, call-sent, call-answered and call-ended.",
		Prevented: "Clamping what is derived from observed latency between the policy's least and most, where it is used.",
		Blind:     "Where between its bounds a time-out or a wait lies; a first wait that is too long (see backoff-violation); attempts whose connection broke, and those under way while the orchestrator was killed, paused or without its store.",
		Cost:      "linear, times the attempts that were silent",
		Wants:     []Trait{adaptives},
		Needs:     []string{"adaptive"},
	}
}

// Check judges a history.
func (c AdaptiveOutOfBounds) Check(_ *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	tm := newTiming(ix)
	lag := tm.lag
	latencies, names := adaptiveCalls(ix)
	for _, name := range names {
		for _, a := range latencies[name] {
			if silent(tm, a) {
				checkTimeout(t, a, latencies[name], lag)
			}
		}
	}
	for _, s := range singleSagas(ix.History, ix) {
		for _, o := range opsOf(s) {
			for _, w := range tm.waitsOf(s, o) {
				if adaptive := w.policy.Adaptive; !adaptive.IsZero() && w.next.Attempt == 2 {
					checkFirstWait(t, w, latencies[adaptive.Name])
				}
			}
		}
	}
	return t.verdict("nothing was observed that would have left the bounds")
}

// adaptiveCall is an attempt whose policy follows what is observed.
type adaptiveCall struct {
	*history.Attempt
	op     saga.Operation
	policy saga.RetryPolicy
	until  time.Duration // it was under way for the orchestrator no longer than until then
	from   time.Duration // and surely until then, if its waits keep to their bounds
	over   bool          // both tell when it was given up, not only when the wire was through with it
}

// took is how long it was under way for the wire.
func (a adaptiveCall) took() time.Duration { return a.LearntAt() - a.Sent.From() }

func adaptiveCalls(ix *history.Index) (calls map[string][]adaptiveCall, names []string) {
	calls = map[string][]adaptiveCall{}
	for _, s := range singleSagas(ix.History, ix) {
		for _, o := range opsOf(s) {
			name := o.Call.Retry.Adaptive.Name
			if name == "" {
				continue
			}
			if calls[name] == nil {
				names = append(names, name)
			}
			as := sent(o)
			for i, a := range as {
				if a.Ended == nil {
					continue
				}
				c := adaptiveCall{a, o.Op, o.Call.Retry, a.Ended.At, a.Ended.At, !delayed(ix, o.Op, a)}
				if i+1 < len(as) {
					next := as[i+1].Sent.At
					_, wait := o.Call.Retry.Band(a.N + 1)
					if !c.over || next < c.until {
						c.from = next - max(wait, retryAfter(a))
					}
					c.until, c.over = min(c.until, next), true
				}
				calls[name] = append(calls[name], c)
			}
		}
	}
	return calls, names
}

// delayed tells whether a delay struck an attempt: the wire is through with it only when that
// is over.
func delayed(ix *history.Index, op saga.Operation, a *history.Attempt) bool {
	for i, fired := range ix.Fired {
		if f, ok := ix.History.Planned(i); ok && !f.Loses() &&
			slices.ContainsFunc(fired, func(e *history.Event) bool { return e.Operation() == op && e.Attempt == a.N }) {
			return true
		}
	}
	return false
}

// silent tells whether an attempt surely ended because nothing came.
func silent(tm *timing, a adaptiveCall) bool {
	if a.Ended.Code != 0 || a.Ended.Down > 0 || a.Severed() || hungUp(a.Attempt) || disturbed(tm.ds, a.Sent.Seq, a.Ended.Seq) {
		return false
	}
	struck := false
	for i, fired := range tm.ix.Fired {
		hit := slices.ContainsFunc(fired, func(e *history.Event) bool { return e.Operation() == a.op && e.Attempt == a.N })
		if f, ok := tm.ix.History.Planned(i); hit && (!ok || !f.Silences()) {
			return false
		}
		struck = struck || hit
	}
	return struck
}

// observed is the shortest and the longest time that attempts took which were over before
// another one began. Not ok: there were none.
func observed(all []adaptiveCall, before int) (shortest, longest time.Duration, ok bool) {
	for _, b := range all {
		if b.Ended.Seq >= before {
			continue
		}
		if !ok || b.took() < shortest {
			shortest = b.took()
		}
		longest, ok = max(longest, b.took()), true
	}
	return shortest, longest, ok
}

func checkTimeout(t *tally, a adaptiveCall, all []adaptiveCall, lag time.Duration) {
	p := a.policy
	floor, ceiling := p.ShortestTimeout(), p.AttemptTimeout()
	_, longest, ok := observed(all, a.Sent.Seq)
	would := time.Duration(p.Adaptive.Times * float64(longest))
	lasted, surely, late := a.until-a.Sent.From(), a.from-a.Sent.From(), lateAtMost(lag)
	hidden := 3*lag + timerTolerance // of its time-out, before the wire saw it
	events := []*history.Event{a.Sent, a.Ended}
	switch {
	case lasted+hidden < floor:
		t.violate(timeoutFloor, a.op, events, "broke the bounds of its policy: attempt %d of %s was given up after %v, and its time-out is %v to %v", a.N, a.op, ms(lasted), floor, ceiling)
	case ok && would < floor && hidden >= floor:
		t.unjudgeable(timeoutFloor, tooLateToSay)
	case ok && would < floor:
		t.held(timeoutFloor, 1)
	}
	switch {
	case !a.over:
	case surely > ceiling+late:
		t.violate(timeoutCeiling, a.op, events, "broke the bounds of its policy: attempt %d of %s was given up only after %v, and its time-out is %v to %v", a.N, a.op, ms(surely), floor, ceiling)
	case ok && would > ceiling+late+(lasted-surely):
		t.held(timeoutCeiling, 1)
	case surely > ceiling+measuringTolerance, ok && would > ceiling+measuringTolerance:
		t.unjudgeable(timeoutCeiling, tooLateToSay)
	}
}

func checkFirstWait(t *tally, w wait, all []adaptiveCall) {
	_, longest, _ := observed(all, w.next.Seq)
	hidden := w.longest - w.shortest + timerTolerance
	switch {
	case w.lo <= timerTolerance: // nothing is promised that can be measured
	case w.unknown != "":
		t.unjudgeable(waitFloor, "%s", w.unknown)
	case w.longest < w.lo-timerTolerance:
		t.violate(waitFloor, w.op, w.events(), "broke the bounds of its policy: the second attempt of %s came at most %v after the failure, and its wait is %v to %v", w.op, ms(w.longest), w.lo, w.hi)
	case longest >= w.lo: // the wait that follows it keeps to the floor by itself
	case hidden >= w.lo:
		t.unjudgeable(waitFloor, "a retry at once would not have been seen")
	default:
		t.held(waitFloor, 1)
	}
}
