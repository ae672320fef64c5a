package checkers

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// breakerTolerance is how long a call that left in time may take to the wire.
const breakerTolerance = 25 * time.Millisecond

// BreakerViolation finds calls that were sent while their circuit breaker must
// have been open, more probes than a half-open one lets through, and calls that were
// held back while it must have been closed.
//
// Source: the saga's policy; Nygard, "Release It!", ch. 5. Evidence: call-sent,
// call-answered, call-ended of all calls that name the same breaker.
//
// The breaker surely opens at the failure that completes as many in a row as the
// policy says; only failures count during whose time no call succeeded, or may
// have. From when that failure was surely learnt until the open time has passed
// since it can have been learnt, no call may leave. Then come the probes: no more
// than the policy says before one of them can have been answered well, or, when
// they failed, before the open time has passed again. A call that may have left
// before the failure was learnt does not count: those of other operations within
// 25 ms, or three times the longest lag of the cell. A kill empties the breaker.
//
// The breaker surely is closed while fewer calls than the policy's may have failed
// since the last success beside which none can have. What is looked for then are the
// moments at which one that counts wrongly opens, and a further attempt that was due in
// the first half of the open time after. It was held back if neither it nor any other
// call behind the breaker came until all of that time had passed, while two attempts or
// more that pass through no breaker came, and none of those later than a quarter of it.
// It cannot see calls to the same breaker from outside of the cell. Cost: n·log n.
type BreakerViolation struct{}

var _ Checker = BreakerViolation{}

// The clauses of breaker-violation.
const (
	breakerOwn    = "own-calls"
	breakerOthers = "calls-of-others"
	breakerProbes = "probes"
	breakerAgain  = "opens-again"
)

// Doc documents the checker.
func (BreakerViolation) Doc() Doc {
	return Doc{
		Name:       "breaker-violation",
		Definition: "Calls continue past an open circuit breaker, a half-open one lets through more than its probes, or a closed one holds calls back.",
		Source:     "the saga's policy; Nygard, Release It!, ch. 5",
		Clauses: slices.Concat([]Clause{
			{Name: breakerOwn, Text: "when the breaker surely has opened, the operation whose failure opened it is not attempted before the open time has passed: openings after which it was attempted again"},
			{Name: breakerOthers, Text: "nor is any other operation that names the breaker: openings after which one was attempted", Wants: []Trait{sharedBreakers}},
			{Name: breakerProbes, Text: "half open, it lets no more calls through than its probes: openings after which more calls came than that"},
			{Name: breakerAgain, Text: "when the probes fail it opens again, and no call is made before the open time has passed once more"},
		}, closedClauses()),
		Evidence:  "call-sent, call-answered and call-ended of the calls that name the breaker.",
		Prevented: "Asking the breaker in the one place where calls leave, after the wait and not before it, with half-open probes counted there.",
		Blind:     "Openings that can't be proved, since calls ran side by side with different outcomes; calls of other operations within 25 ms (or three times the longest lag of the cell) of the opening; a closed breaker that holds calls back for less than its open time, or in a cell in which nothing passes beside it; calls from outside of the cell.",
		Cost:      "n·log n in the calls behind breakers",
		Wants:     []Trait{breakers},
		Needs:     []string{"breaker"},
	}
}

// Check judges a history.
func (c BreakerViolation) Check(_ *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	tm := newTiming(ix)
	lag := max(breakerTolerance, 3*tm.lag)
	behind, names := callsBehindBreakers(tm)
	waits := allWaits(tm)
	for _, name := range names {
		calls := behind[name]
		slices.SortFunc(calls, func(a, b breakerCall) int { return cmp.Compare(a.Sent.Seq, b.Sent.Seq) })
		checkBreaker(t, calls, tm.ds, lag)
		checkClosed(t, tm, calls, waits, lag)
	}
	return t.verdict("no breaker surely opened, or could have opened too early")
}

// breakerCall is an attempt behind a breaker.
type breakerCall struct {
	*history.Attempt
	op     saga.Operation
	policy saga.Breaker
	failed bool          // surely, and in the time that the wire saw it
	due    time.Duration // when it would have been sent at the latest but for a breaker
}

func callsBehindBreakers(tm *timing) (behind map[string][]breakerCall, names []string) {
	behind = map[string][]breakerCall{}
	for _, s := range singleSagas(tm.ix.History, tm.ix) {
		for _, o := range opsOf(s) {
			b := o.Call.Breaker
			if b == nil {
				continue
			}
			if behind[b.Name] == nil {
				names = append(names, b.Name)
			}
			as := sent(o)
			for i, a := range as {
				failed := a.Learnt() == saga.Transient && !tm.seenLate(o, a)
				behind[b.Name] = append(behind[b.Name], breakerCall{a, o.Op, *b, failed, dueAt(s, o, as, i)})
			}
		}
	}
	return behind, names
}

// dueAt is when the i-th attempt would have been sent at the latest if it had not
// been held back: when its wait was over, or the steps before it had succeeded.
func dueAt(s *history.SagaRecord, o *history.OpRecord, as []*history.Attempt, i int) time.Duration {
	if i > 0 && as[i-1].Ended != nil {
		_, hi := o.Call.Retry.Band(as[i].N)
		return as[i-1].LearntAt() + max(hi, retryAfter(as[i-1]))
	}
	step, _ := s.Definition.Step(o.Op.Step)
	if ready, ok := readyAt(s, step); ok && i == 0 && o.Op.Direction == saga.Action {
		return ready
	}
	return math.MaxInt64
}

// opening is a time in which the breaker surely was open.
type opening struct {
	by     breakerCall   // the failure that opened it
	surely int           // from this event on,
	until  time.Duration // until this time
	since  time.Duration
	inARow []*history.Event
	again  bool // half open before, and its probes failed
}

// checkBreaker replays the calls of one breaker, in the order in which they were
// sent.
func checkBreaker(t *tally, calls []breakerCall, ds []disturbance, lag time.Duration) {
	for _, o := range openings(calls, ds, lag) {
		i, _ := slices.BinarySearchFunc(calls, o.surely, func(b breakerCall, seq int) int { return cmp.Compare(b.Sent.Seq, seq) })
		later := calls[i:]
		own, others := breakerOwn, breakerOthers
		if o.again {
			own, others = breakerAgain, breakerAgain
		}
		checkOpen(t, o, own, later, ds, func(b breakerCall) bool { return b.op == o.by.op })
		if o.since+lag < o.until {
			checkOpen(t, o, others, later, ds, func(b breakerCall) bool { return b.op != o.by.op && b.Sent.At > o.since+lag })
		} else if len(later) > 0 {
			t.unjudgeable(others, tooLateToSay)
		}
		checkProbes(t, o, later, ds, lag)
	}
}

// checkOpen looks for calls of one sort while the breaker was open. It was at risk
// if one of them would have come before it closed, but for the breaker.
func checkOpen(t *tally, o opening, clause string, later []breakerCall, ds []disturbance, sort func(breakerCall) bool) {
	wanted, unsure := false, false
	for _, b := range later {
		switch {
		case !sort(b) || b.due >= o.until && b.Sent.At >= o.until:
		case disturbed(ds, o.by.Sent.Seq, b.Sent.Seq):
			unsure = true
		case b.Sent.At < o.until:
			t.violate(clause, b.op, append(slices.Clone(o.inARow), b.Sent), "broke the circuit breaker %q: attempt %d of %s was sent %v after it had opened, and it stays open for %d ms", b.policy.Name, b.N, b.op, ms(b.Sent.At-o.since), b.policy.OpenMS)
			return
		default:
			wanted = true
		}
	}
	switch {
	case wanted:
		t.held(clause, 1)
	case unsure:
		t.unjudgeable(clause, wasDisturbed)
	}
}

// openings finds where the breaker surely opened. inARow are failures that
// followed each other with no call beside them that may have succeeded.
func openings(calls []breakerCall, ds []disturbance, lag time.Duration) []opening {
	ended := slices.DeleteFunc(slices.Clone(calls), func(b breakerCall) bool { return b.Ended == nil })
	slices.SortFunc(ended, func(a, b breakerCall) int { return cmp.Compare(a.Ended.Seq, b.Ended.Seq) })
	beside := successesOf(calls)
	var all []opening
	var row []breakerCall
	probes := 0 // failures since the last opening
	for i, b := range ended {
		switch {
		case !b.failed || beside.beside(b, lag):
			row, probes = nil, 0
			continue
		case kills(ds, b.Sent.Seq, b.Ended.Seq) > 0:
			row, probes = nil, 0
			continue
		case len(row) > 0 && kills(ds, row[0].Sent.Seq, b.Ended.Seq) > 0:
			row, probes = nil, 0
		}
		row = append(row, b)
		open := false
		switch n := len(row); {
		case n == b.policy.Failures:
			open = true
		case n > b.policy.Failures && b.Sent.At >= all[len(all)-1].until:
			probes++
			open = probes == b.policy.Probes
		}
		if open {
			o := newOpening(row, b, underWay(ended[i+1:], b))
			o.until = min(o.until, mayHaveOpened(ended[:i+1], lastBefore(calls, o.surely)-lag)+b.policy.Open())
			all, probes = append(all, o), 0
		}
	}
	return all
}

// underWay are the failed calls that had been sent when this one ended, of those that
// ended after it: they may have been learnt earlier.
func underWay(after []breakerCall, by breakerCall) (calls []breakerCall) {
	for _, b := range after {
		if b.Ended.At > by.Ended.At+longestAttempt {
			break
		}
		if b.failed && b.Sent.Seq < by.Ended.Seq {
			calls = append(calls, b)
		}
	}
	return calls
}

// lastBefore is when the last call before an event was sent: the breaker was not open.
func lastBefore(calls []breakerCall, seq int) time.Duration {
	i, _ := slices.BinarySearchFunc(calls, seq, func(b breakerCall, seq int) int { return cmp.Compare(b.Sent.Seq, seq) })
	return calls[i-1].Sent.At
}

// mayHaveOpened is the earliest moment from then on at which a failure can have opened
// the breaker: those before that were not surely in a row may have been so.
func mayHaveOpened(ended []breakerCall, notBefore time.Duration) time.Duration {
	at := time.Duration(math.MaxInt64 / 2)
	for _, b := range slices.Backward(ended) {
		if b.Ended.At < notBefore {
			break
		}
		if failed := earliestFailure(b.Attempt); b.failed && failed >= notBefore {
			at = min(at, failed)
		}
	}
	return at
}

// newOpening: the open time counts from the earliest moment at which so many failures
// can have been learnt, in whatever order they were recorded. With several probes it
// may have opened again at the first of them.
func newOpening(row []breakerCall, by breakerCall, beside []breakerCall) opening {
	o := opening{by: by, surely: by.Ended.Seq, since: by.Ended.At, again: len(row) > by.policy.Failures}
	decided, nth := row, by.policy.Failures
	if o.again {
		decided, nth = row[len(row)-min(by.policy.Probes, len(row)):], 1
	}
	var learnt []time.Duration
	for _, b := range slices.Concat(decided, beside) {
		learnt = append(learnt, earliestFailure(b.Attempt))
	}
	slices.Sort(learnt)
	o.until = learnt[nth-1] + by.policy.Open()
	for _, b := range row[max(0, len(row)-by.policy.Failures):] {
		o.inARow = append(o.inARow, b.Ended)
	}
	return o
}

// successes tells which calls of a breaker, in the order in which they were sent,
// had one beside them that may have succeeded: then the order in which their
// outcomes were learnt is not known.
type successes struct {
	sent  []int           // sequence numbers of all calls
	ended []int           // the latest end of those up to each that may have succeeded
	until []time.Duration // the same as a time
	open  []time.Duration // when the latest of those was sent that never ended
}

// longestAttempt: no attempt lasts that long.
const longestAttempt = time.Minute

func successesOf(calls []breakerCall) *successes {
	s := &successes{}
	ended, until, open := 0, -2*longestAttempt, -2*longestAttempt
	for _, b := range calls {
		switch {
		case b.failed:
		case b.Ended == nil:
			open = b.Sent.At
		default:
			ended, until = max(ended, b.Ended.Seq), max(until, b.Ended.At)
		}
		s.sent, s.ended, s.open = append(s.sent, b.Sent.Seq), append(s.ended, ended), append(s.open, open)
		s.until = append(s.until, until)
	}
	return s
}

// beside tells whether a success may have been learnt after a failure, or is not known
// to have been before: it was under way beside it, or came just before, and who learns
// of it was so much later at work on it.
func (s *successes) beside(b breakerCall, lag time.Duration) bool {
	i, _ := slices.BinarySearch(s.sent, b.Ended.Seq)
	return i > 0 && (s.ended[i-1] > b.Sent.Seq || s.until[i-1]+lag >= earliestFailure(b.Attempt) || b.Sent.At-s.open[i-1] <= longestAttempt)
}

// checkProbes counts the calls that left after the open time and before the
// breaker can have been closed, or half open once more: one of them may have been
// answered well, or the open time has passed again since the first that failed.
func checkProbes(t *tally, o opening, later []breakerCall, ds []disturbance, lag time.Duration) {
	i := slices.IndexFunc(later, func(b breakerCall) bool { return b.Sent.At >= o.until })
	if i < 0 || len(later)-i <= o.by.policy.Probes {
		return
	}
	if lag >= o.by.policy.Open() {
		t.unjudgeable(breakerProbes, "a call from before may come only now")
		return
	}
	var probes []*history.Event
	again := map[saga.Operation]bool{} // the next opening sees these
	decided := time.Duration(math.MaxInt64)
	for _, b := range later[i:] {
		switch {
		case disturbed(ds, o.by.Sent.Seq, b.Sent.Seq):
			t.unjudgeable(breakerProbes, wasDisturbed)
			return
		case b.Sent.At >= decided || b.Ended == nil || again[b.op]:
			t.held(breakerProbes, 1)
			return
		}
		if probes = append(probes, b.Sent); len(probes) > b.policy.Probes {
			t.violate(breakerProbes, b.op, append(slices.Clone(probes), o.by.Ended), "broke the circuit breaker %q: half open, it let %d calls through before it can have been closed, and the policy allows %d", b.policy.Name, len(probes), b.policy.Probes)
			return
		}
		decided, again[b.op] = min(decided, b.decides()), true
	}
}

// decides is the earliest time from which on, by this probe, others may pass.
func (b breakerCall) decides() time.Duration {
	if b.failed {
		return earliestFailure(b.Attempt) + b.policy.Open()
	}
	if b.Ended.Code != 0 && len(b.Answered) > 0 {
		return b.Answered[0].At
	}
	return b.Sent.At
}
