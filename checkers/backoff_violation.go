package checkers

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// timerTolerance is how much earlier than it should a timer may fire: some
// runtimes round to milliseconds.
const timerTolerance = 2 * time.Millisecond

// The test of waits that are too long as a rule.
const (
	ruleAlpha = 1e-8 // how often it may be wrong in a cell
	ruleWaits = 10   // of which it takes so many at the least,
	ruleApart = 2 * time.Millisecond
	ruleLate  = 0.05 // and so many of which may be later than anything else in the cell
	ruleBlur  = 2    // a band is wide that is so many times as wide as the machine was late
	ruleLag   = 2 * time.Millisecond
)

// BackoffViolation finds waits between attempts outside of the band that the
// policy's backoff and jitter allow, or shorter than a Retry-After.
//
// Source: the saga's policy; RFC 9110, 10.2.3 for Retry-After; the sum of uniform
// variables (Irwin 1927, Hall 1927). Evidence: call-sent, call-answered, call-ended.
//
// A wait is too short if it is shorter than the band even when measured from the
// earliest moment at which the failure can have been learnt, less 2 ms. It is judged
// if no wait at all would have been seen.
//
// Machines are late, never early, so too long takes more. Measured from the latest
// such moment, a single wait must be longer than the band, or a Retry-After, by
// more than 750 ms, the band's own upper end, or ten times the longest lag of the
// cell, and by more than another attempt takes that timed out before it reached
// the wire.
//
// All waits of a cell together are judged as a rule. A wait that keeps the policy lies
// in its band, anywhere: who always waits the longest keeps it, too. A machine makes it
// later, by no more than anything else in the cell was (the harness, the way to a
// participant, the orchestrator from one step to the next), but for one wait in twenty.
// So k of n waits that end 2 ms apart lie beyond that with a probability of at most
// n!/(k!(n−k)!)·0.05ᵏ. This is asked of all waits, of those in wide bands, and of those
// before attempts of each number; a violation is below 10⁻⁸, divided by how often it
// was asked, so that false alarms are below 10⁻⁶ in a run of a hundred such cells. It
// is judged if waits twice as long as the cell's would have shown: about 15 of which
// most end beyond the band then. Those of an orchestrator that adds no jitter do so if nothing in
// the cell was later than half of such a wait.
// Cost: linear, n·log n in the waits.
type BackoffViolation struct{}

var _ Checker = BackoffViolation{}

// The clauses of backoff-violation.
const (
	shortAction       = "short-before-action"
	shortCompensation = "short-before-compensation"
	shortOfAsked      = "retry-after"
	longSingle        = "long-single"
	longRule          = "long-as-a-rule"
)

// Doc documents the checker.
func (BackoffViolation) Doc() Doc {
	return Doc{
		Name:       "backoff-violation",
		Definition: "The wait before an attempt lies outside of the band that the policy's backoff and jitter allow, or is shorter than a Retry-After.",
		Source:     "the saga's retry policy; RFC 9110, 10.2.3; Irwin and Hall on the sum of uniform variables, 1927",
		Clauses: []Clause{
			{Name: shortAction, Text: "the wait before a further attempt of an action is not shorter than the band, by more than 2 ms, measured from the earliest moment at which the failure can have been learnt: waits of which it would be seen if there were none", Wants: []Trait{waitingActions}},
			{Name: shortCompensation, Text: "the same before a further attempt of a compensation", Wants: []Trait{waitingUndos}},
			{Name: shortOfAsked, Text: "a wait is not shorter than the Retry-After of an answer that surely was read", Wants: []Trait{repeatedActions}, Needs: []string{"retry-after"}},
			{Name: longSingle, Text: "no wait is longer than the band, or a Retry-After, measured from the latest such moment, by more than 750 ms, the band's own upper end, or ten times the longest lag of the cell, and by more than another attempt takes that timed out before it reached the wire", Wants: []Trait{freeWaits}},
			{Name: longRule, Text: "the waits of a cell are not longer than the band as a rule: at least 10 that end 2 ms apart, and so many that waits twice as long would show. If the policy holds, wherever in their bands the waits lie, k of n end later than that, and later than anything else in the cell, with a probability of at most n!/(k!(n-k)!)·0.05^k. It is asked of all waits, of those in wide bands and of those before attempts of each number; a violation below 1e-8 in all", Wants: []Trait{longWaits}},
		},
		Evidence:  "call-sent, call-answered and call-ended.",
		Prevented: "Storing when the next attempt is due, taking the larger of the backoff and Retry-After, and waiting for that after a restart too.",
		Blind:     "Short waits after a silent failure of an orchestrator without attempt-timeout, which may have learnt it at any time; waits after a kill, a pause or a store outage, or where connections were refused; long waits behind a breaker; deferrable steps, and pivots that can't be undone; what is sent after a good answer (see redundant-call).",
		Cost:      "linear, n·log n in the waits",
		Needs:     []string{"exponential-backoff"},
	}
}

// Check judges a history.
func (c BackoffViolation) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	tm := newTiming(ix)
	lag := tm.lag
	polite := slices.Contains(h.Header.Orchestrator.Capabilities, "retry-after")
	var free []wait
	hidden := 0 // of long waits, by the machine's lateness
	for _, s := range singleSagas(h, ix) {
		for _, o := range opsOf(s) {
			for _, w := range tm.waitsOf(s, o) {
				checkShort(t, w, polite)
				if heldBack(o.Call) {
					continue
				}
				checkLong(t, w, lag)
				switch {
				case w.asked > 0:
				case w.unknown == "":
					free = append(free, w)
				case w.isLong() && (w.unknown == tooLateToSay || w.unknown == failedSomewhen):
					hidden++
				}
			}
		}
	}
	if !checkLongAsRule(t, free, max(lag, ruleLag)) && longWaits.has(h.Header.Definitions) {
		tooFewForRule(t, free, hidden)
	}
	return t.verdict("no attempt followed a transient failure")
}

func (w wait) events() []*history.Event {
	return []*history.Event{w.failed.Sent, w.failed.Ended, w.next}
}

// checkShort judges against the band, or against the Retry-After where that is
// longer. What is not known of the moment of the failure must be less than what is
// looked for.
func checkShort(t *tally, w wait, polite bool) {
	clause, least := shortAction, w.lo
	if w.op.Direction == saga.Compensation {
		clause = shortCompensation
	}
	if polite && w.asked > w.lo && w.failed.Ended.Code != 0 {
		clause, least = shortOfAsked, w.asked
	}
	longest := w.longest
	if clause == shortOfAsked {
		longest = max(longest, w.answered)
	}
	hidden := longest - w.shortest + timerTolerance
	switch {
	case least <= timerTolerance: // nothing is promised that can be measured
	case w.unknown != "":
		t.unjudgeable(clause, "%s", w.unknown)
	case clause == shortOfAsked && !(w.failed.Ended.Certain && w.failed.InTime()):
		t.unjudgeable(clause, retryAfterUnread)
	case longest >= least-timerTolerance && hidden >= least:
		t.unjudgeable(clause, "a retry at once would not have been seen")
	case longest >= least-timerTolerance:
		t.held(clause, 1)
	case clause == shortOfAsked:
		t.violate(clause, w.op, w.events(), "broke the backoff: attempt %d of %s came at most %v after an answer with Retry-After %v", w.next.Attempt, w.op, ms(longest), w.asked)
	default:
		t.violate(clause, w.op, w.events(), "broke the backoff: attempt %d of %s came at most %v after the failure, and the policy says %v to %v", w.next.Attempt, w.op, ms(w.longest), w.lo, w.hi)
	}
}

func checkLong(t *tally, w wait, lag time.Duration) {
	most := max(w.hi, w.asked)
	late := max(wakeups*lag-slack(most), 0)                // the machine, and not the orchestrator
	most += slack(most) + w.policy.AttemptTimeout() + w.hi // an attempt may time out before it reaches the wire
	switch {
	case w.unknown != "":
		t.unjudgeable(longSingle, "%s", w.unknown)
	case w.shortest > most && w.shortest <= most+late:
		t.unjudgeable(longSingle, "%s", tooLateToSay)
	case w.shortest > most:
		t.violate(longSingle, w.op, w.events(), "broke the backoff: attempt %d of %s came at least %v after the failure, and the policy says %v to %v%s", w.next.Attempt, w.op, ms(w.shortest), w.lo, w.hi, w.alsoAsked())
	default:
		t.held(longSingle, 1)
	}
}

// alsoAsked is what the answer asked for besides the policy; empty: nothing.
func (w wait) alsoAsked() string {
	if w.asked == 0 {
		return ""
	}
	return fmt.Sprintf(", the answer a Retry-After of %v", w.asked)
}

// checkLongAsRule judges the waits of a cell together; false: it can't.
func checkLongAsRule(t *tally, ws []wait, late time.Duration) bool {
	wide := slices.DeleteFunc(slices.Clone(ws), func(w wait) bool { return w.width() < ruleBlur*late })
	groups := waitGroups(ws, wide)
	tooLong := func(group []wait, times int) bool {
		return longTogether(group, times, late) < ruleAlpha/float64(len(groups))
	}
	for _, group := range groups {
		if !tooLong(group, 1) {
			continue
		}
		slices.SortFunc(group, func(a, b wait) int { return cmp.Compare(b.shortest-b.hi, a.shortest-a.hi) })
		var events []*history.Event
		for _, w := range group[:ruleWaits] {
			events = append(events, w.failed.Ended, w.next)
		}
		w := group[0]
		t.violate(longRule, saga.Operation{Step: w.op.Step, Direction: w.op.Direction}, events,
			"broke the backoff: as a rule the waits are longer than the policy says: %v, for example, before attempt %d of %s, where %v to %v are allowed (%d waits together, p < %.0e)", ms(w.shortest), w.next.Attempt, w.op, w.lo, w.hi, len(group), ruleAlpha)
		return true
	}
	shows := slices.ContainsFunc(groups, func(group []wait) bool { return tooLong(group, 2) })
	if shows {
		t.held(longRule, 1)
	}
	return shows
}

// tooFewForRule notes each long wait of a cell that could not judge them as a rule, those too that the
// machine's lateness hides: the more of them, the better the cell would do on a machine with less to do. Short
// ones would need more than there are.
func tooFewForRule(t *tally, ws []wait, hidden int) {
	n := hidden
	for _, w := range ws {
		if w.isLong() {
			n++
		}
	}
	for range n {
		t.unjudgeable(longRule, "the machine was so late, and the long waits of a cell were so few, that waits twice as long would not have shown")
	}
}

// waitGroups are the waits that are judged together: all of them, in bands that are
// taken for as wide as is needed; those in wide bands, which the others would drown;
// and of these those before attempts of each number, since a policy may be broken
// before some and kept before others.
func waitGroups(ws, wide []wait) [][]wait {
	numbers := map[int][]wait{}
	for _, w := range wide {
		numbers[w.next.Attempt] = append(numbers[w.next.Attempt], w)
	}
	groups := [][]wait{ws, wide}
	for _, n := range slices.Sorted(maps.Keys(numbers)) {
		groups = append(groups, numbers[n])
	}
	for i, g := range groups {
		groups[i] = apart(g, func(w wait) time.Duration { return w.next.At }, ruleApart)
	}
	return slices.DeleteFunc(groups, func(g []wait) bool { return len(g) < ruleWaits })
}

// isLong tells whether a wait may take as long as those that can be judged on a busy machine.
func (w wait) isLong() bool { return w.hi >= aLongWait }

// width is the width of the band that a wait is placed in: without jitter half of
// the wait.
func (w wait) width() time.Duration { return max(w.hi-w.lo, w.hi/2) }

// longTogether bounds the probability that so many of the waits, taken for so many times
// as long, end later than the band and the lateness: wherever in their bands waits that
// keep the policy lie, each does so with a probability of at most ruleLate.
func longTogether(ws []wait, times int, late time.Duration) float64 {
	beyond := 0.0
	for _, w := range ws {
		if time.Duration(times)*w.shortest > w.hi+late {
			beyond++
		}
	}
	n := float64(len(ws))
	all, _ := math.Lgamma(n + 1)
	these, _ := math.Lgamma(beyond + 1)
	others, _ := math.Lgamma(n - beyond + 1)
	return math.Exp(all - these - others + beyond*math.Log(ruleLate))
}

// ms rounds for people.
func ms(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }
