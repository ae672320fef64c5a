package checkers

import (
	"maps"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// timerTolerance is how much earlier than it should a timer may fire: some
// runtimes round to milliseconds.
const timerTolerance = 2 * time.Millisecond

// The test of waits that are too long as a rule: so many of them, that far apart.
const (
	longWaits = 4
	longApart = 5 * time.Millisecond
	longLeast = 25 * time.Millisecond
)

// BackoffViolation finds waits between attempts outside of the band that the
// policy's backoff and jitter allow, or shorter than a Retry-After.
//
// Source: the saga's policy; RFC 9110, 10.2.3 for Retry-After. Evidence:
// call-sent, call-answered, call-ended.
//
// A wait is too short if it is shorter than the band even when measured from the
// earliest moment at which the failure can have been learnt, less 2 ms.
//
// Machines are late, never early, so too long takes more. Measured from the latest
// such moment, a single wait must be longer than the band, or a Retry-After, by
// more than 750 ms, the band's own upper end, or ten times the longest lag of the
// cell, and by more than another attempt takes that timed out before it reached
// the wire. Or the waits are too long as a rule: before attempts of two numbers,
// at least a third of 8 waits or more, 4 of them ending at moments that are 5 ms
// apart, is longer than the band by more than 25 ms, a quarter of its upper end,
// and five times the longest lag. A stall of the machine ends all at one moment.
// Cost: linear, n·log n in the waits.
type BackoffViolation struct{}

var _ Checker = BackoffViolation{}

// Doc documents the checker.
func (BackoffViolation) Doc() Doc {
	return Doc{
		Name:       "backoff-violation",
		Definition: "The wait before an attempt lies outside of the band that the policy's backoff and jitter allow, or is shorter than a Retry-After.",
		Source:     "the saga's retry policy; RFC 9110, 10.2.3",
		Clauses:    []Clause{{Name: whole, Text: "TODO"}},
		Evidence:   "call-sent, call-answered and call-ended. At risk: waits between attempts that can be measured. Too short: by more than 2 ms, measured from the earliest moment at which the failure can have been learnt. Too long, measured from the latest such moment: a single wait by more than 750 ms, the band's own upper end, or ten times the longest lag of the cell, and by more than another attempt takes that timed out before it reached the wire; or, before attempts of two numbers, a third of 8 waits or more, 4 of them ending 5 ms apart, by more than 25 ms, a quarter of the upper end, and five times the longest lag. Retry-After counts only with the capability retry-after.",
		Blind:      "Short waits after a silent failure, which may have been learnt at any time; waits after a kill, a pause or a store outage, or where connections were refused; long waits behind a breaker; deferrable steps, and pivots that can't be undone.",
		Cost:       "linear, n·log n in the waits",
		Needs:      []string{"exponential-backoff"},
	}
}

// Check judges a history.
func (c BackoffViolation) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	tm := newTiming(ix)
	lag := tm.longestLag()
	polite := slices.Contains(h.Header.Orchestrator.Capabilities, "retry-after")
	groups := map[int][]wait{}
	for _, s := range ix.Sagas {
		for _, o := range opsOf(s) {
			for _, w := range tm.waitsOf(s, o) {
				t.held(whole, 1)
				checkShort(t, w, polite)
				if o.Call.Breaker == nil {
					checkLong(t, w, lag)
					groups[w.next.Attempt] = append(groups[w.next.Attempt], w)
				}
			}
		}
	}
	if len(t.witnesses) == 0 {
		checkLongAsRule(t, groups, lag)
	}
	return t.verdict("no attempt followed a transient failure")
}

func (w wait) events() []*history.Event {
	return []*history.Event{w.failed.Sent, w.failed.Ended, w.next}
}

func checkShort(t *tally, w wait, polite bool) {
	switch {
	case w.longest < w.lo-timerTolerance:
		t.violate(whole, w.op, w.events(), "broke the backoff: attempt %d of %s came at most %v after the failure, and the policy says %v to %v", w.next.Attempt, w.op, ms(w.longest), w.lo, w.hi)
	case polite && w.failed.Ended.Code != 0 && w.failed.Ended.Certain && w.failed.InTime() && w.longest < w.asked-timerTolerance:
		t.violate(whole, w.op, w.events(), "broke the backoff: attempt %d of %s came at most %v after an answer with Retry-After %v", w.next.Attempt, w.op, ms(w.longest), w.asked)
	}
}

func checkLong(t *tally, w wait, lag time.Duration) {
	most := max(w.hi, w.asked)
	most += max(slack(most), 10*lag)
	most += w.policy.AttemptTimeout() + w.hi // an attempt may time out before it reaches the wire
	if w.shortest > most {
		t.violate(whole, w.op, w.events(), "broke the backoff: attempt %d of %s came at least %v after the failure, and the policy says %v to %v", w.next.Attempt, w.op, ms(w.shortest), w.lo, w.hi)
	}
}

// checkLongAsRule looks for two groups of waits, before attempts of one number
// each, that are longer than the band more often than a machine is late.
func checkLongAsRule(t *tally, groups map[int][]wait, lag time.Duration) {
	var proof []wait
	found := 0
	for _, n := range slices.Sorted(maps.Keys(groups)) {
		g := groups[n]
		var long []wait
		for _, w := range g {
			if over := w.shortest - max(w.hi, w.asked); over > max(longLeast, w.hi/4, 5*lag) {
				long = append(long, w)
			}
		}
		kept := apart(long, func(w wait) time.Duration { return w.next.At }, longApart)
		if len(g) >= herdWaits && 3*len(long) >= len(g) && len(kept) >= longWaits {
			found++
			proof = append(proof, kept[:longWaits]...)
		}
	}
	if found < 2 {
		return
	}
	var events []*history.Event
	for _, w := range proof {
		events = append(events, w.failed.Ended, w.next)
	}
	w := proof[0]
	t.violate(whole, saga.Operation{Step: w.op.Step, Direction: w.op.Direction}, events,
		"broke the backoff: as a rule the waits are longer than the policy says: %v, for example, before attempt %d of %s, where %v to %v are allowed", ms(w.shortest), w.next.Attempt, w.op, w.lo, w.hi)
}

// ms rounds for people.
func ms(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }
