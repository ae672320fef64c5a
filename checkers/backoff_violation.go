package checkers

import (
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
)

// timerTolerance is how much earlier than it should a timer may fire: some
// runtimes round to milliseconds.
const timerTolerance = 2 * time.Millisecond

// BackoffViolation finds waits between attempts outside of the band that the
// policy's backoff and jitter allow, or shorter than a Retry-After.
//
// Source: the saga's policy; RFC 9110, 10.2.3 for Retry-After. Evidence:
// call-sent, call-answered, call-ended. A wait is too short if it is shorter than
// the band even when measured from the earliest moment at which the failure can
// have been learnt, less 2 ms. It is too long only if it is longer than the band,
// or a Retry-After, measured from the latest such moment, by more than 250 ms,
// the band's own upper end, or ten times the longest lag of the cell, and by more
// than another attempt takes that timed out before it reached the wire. Cost: linear.
type BackoffViolation struct{}

var _ Checker = BackoffViolation{}

// Doc documents the checker.
func (BackoffViolation) Doc() Doc {
	return Doc{
		Name:       "backoff-violation",
		Definition: "The wait before an attempt lies outside of the band that the policy's backoff and jitter allow, or is shorter than a Retry-After.",
		Source:     "the saga's retry policy; RFC 9110, 10.2.3",
		Evidence:   "call-sent, call-answered and call-ended. At risk: waits between attempts that can be measured. Too short: by more than 2 ms, measured from the earliest moment at which the failure can have been learnt. Too long: by more than 250 ms, the band's own upper end, or ten times the longest lag of the cell, and by more than another attempt would take that timed out before it reached the wire, measured from the latest such moment. Retry-After counts only with the capability retry-after.",
		Blind:      "Short waits after a silent failure, which may have been learnt at any time; waits after a kill, a pause or a store outage, or where connections were refused; long waits behind a breaker; deferrable steps, and pivots that can't be undone.",
		Cost:       "linear",
		Needs:      []string{"exponential-backoff"},
	}
}

// Check judges a history.
func (c BackoffViolation) Check(h *history.History, ix *history.Index) Verdict {
	var t tally
	ds := disturbances(h, ix)
	lag := longest(lags(ix))
	polite := slices.Contains(h.Header.Orchestrator.Capabilities, "retry-after")
	for _, s := range ix.Sagas {
		for _, o := range opsOf(s) {
			for _, w := range waitsOf(ix, s, o, ds) {
				t.risk(1)
				checkWait(&t, w, lag, polite, o.Call.Breaker != nil)
			}
		}
	}
	return t.verdict(c, "no attempt followed a transient failure")
}

func checkWait(t *tally, w wait, lag time.Duration, polite, breaker bool) {
	events := []*history.Event{w.failed.Sent, w.failed.Ended, w.next}
	n := w.failed.N + 1
	most := max(w.hi, w.asked)
	most += max(slack(most), 10*lag)
	most += w.policy.AttemptTimeout() + w.hi // an attempt may time out before it reaches the wire
	switch {
	case w.longest < w.lo-timerTolerance:
		t.violate(w.op, events, "broke the backoff: attempt %d of %s came at most %v after the failure, and the policy says %v to %v", n, w.op, ms(w.longest), w.lo, w.hi)
	case polite && w.failed.Ended.Code != 0 && w.longest < w.asked-timerTolerance:
		t.violate(w.op, events, "broke the backoff: attempt %d of %s came at most %v after an answer with Retry-After %v", n, w.op, ms(w.longest), w.asked)
	case !breaker && w.shortest > most:
		t.violate(w.op, events, "broke the backoff: attempt %d of %s came at least %v after the failure, and the policy says %v to %v", n, w.op, ms(w.shortest), w.lo, w.hi)
	}
}

// ms rounds for people.
func ms(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }
