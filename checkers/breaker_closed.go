package checkers

import (
	"cmp"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// The clauses of breaker-violation for breakers that are closed.
const (
	closedBefore   = "closed-before"
	closedInARow   = "closed-in-a-row"
	closedRefusals = "closed-refusals"
)

// closedClauses say what each way to open a breaker too early would break.
func closedClauses() []Clause {
	const held = ": a further attempt that was due soon after is not held back until the open time has passed, while those of other calls, which pass through no breaker, came in time"
	clause := func(name, text string) Clause {
		return Clause{Name: name, Text: text + held, Needs: []string{"exponential-backoff"}, Wants: []Trait{watchedBreakers}}
	}
	return []Clause{
		clause(closedBefore, "a breaker does not open at one failure in a row fewer than its policy says"),
		clause(closedInARow, "nor at the failure that makes so many, when there was a success between them"),
		clause(closedRefusals, "nor at one that makes so many together with refusals, which are no failures"),
	}
}

// mistake is a moment at which a breaker that counts wrongly opens.
type mistake struct {
	clause string
	by     breakerCall
	events []*history.Event // what it would have counted, the last one by
}

// closedBreaker is what is known of the calls of a breaker, to tell when it surely was
// closed.
type closedBreaker struct {
	policy saga.Breaker
	calls  []breakerCall // in the order in which they were sent
	ended  []breakerCall // in the order in which they ended
	lag    time.Duration
	// outcome is what a call came to: surely, or as it looks.
	outcome func(breakerCall) saga.Answer
	sent    []time.Duration                    // of those that may have failed, in order
	learnt  []time.Duration                    // and when they were learnt at the latest, in order
	own     map[saga.Operation][]time.Duration // the same, of each operation
	resets  []reset
}

// reset is a success beside which no call can have failed.
type reset struct {
	at     time.Duration // from when on it surely was learnt
	failed int           // how many calls may have failed before it
	closed bool          // the breaker surely was closed then
}

// surely is what the orchestrator surely learnt.
func (b breakerCall) surely() saga.Answer { return b.Learnt() }

// seemingly is the same as far as it can be seen on the wire.
func (b breakerCall) seemingly() saga.Answer {
	if b.Ended != nil && b.Ended.Code != 0 {
		return saga.Classify(b.Ended.Code)
	}
	return b.Learnt()
}

func newClosedBreaker(calls []breakerCall, lag time.Duration, outcome func(breakerCall) saga.Answer) *closedBreaker {
	c := &closedBreaker{policy: calls[0].policy, calls: calls, lag: lag, outcome: outcome, own: map[saga.Operation][]time.Duration{}}
	for _, b := range calls {
		if b.Ended != nil {
			c.ended = append(c.ended, b)
		}
		if o := outcome(b); o == saga.Done || o == saga.Permanent {
			continue
		}
		c.sent = append(c.sent, b.Sent.At)
		if b.Ended != nil {
			c.learnt, c.own[b.op] = append(c.learnt, b.LearntAt()), append(c.own[b.op], b.LearntAt())
		}
	}
	slices.Sort(c.sent)
	slices.Sort(c.learnt)
	slices.SortFunc(c.ended, func(a, b breakerCall) int { return cmp.Compare(a.Ended.Seq, b.Ended.Seq) })
	c.findResets()
	return c
}

// before counts times up to one.
func before(times []time.Duration, at time.Duration) int {
	n, _ := slices.BinarySearch(times, at)
	return n
}

// findResets: a success begins a new row if all calls that may have failed either were
// learnt before it, or were sent after it. Of a breaker that may have opened so many
// close it as it lets probes through, sent when the last failure was learnt.
func (c *closedBreaker) findResets() {
	closed, probes, failed := true, 0, 0
	done := slices.DeleteFunc(slices.Clone(c.ended), func(b breakerCall) bool { return c.outcome(b) != saga.Done })
	slices.SortStableFunc(done, func(a, b breakerCall) int { return cmp.Compare(a.LearntAt(), b.LearntAt()) })
	for _, b := range done {
		told, _ := b.AnsweredAt()
		r := reset{at: b.LearntAt() + c.lag, failed: before(c.sent, b.LearntAt()+c.lag+1)}
		if before(c.learnt, told-c.lag)+c.ownSince(b, told-c.lag) < r.failed {
			continue
		}
		if r.failed > failed {
			closed, probes = closed && r.failed-failed < c.policy.Failures, 0
		}
		if !closed && before(c.learnt, b.Sent.At-c.lag) == r.failed {
			probes++
			closed = probes >= c.policy.Probes
		}
		r.closed, failed = closed, r.failed
		c.resets = append(c.resets, r)
	}
}

// ownSince counts the earlier attempts of a call's operation that may have failed and
// were learnt from a time on: it would not have been sent if they had not been.
func (c *closedBreaker) ownSince(b breakerCall, at time.Duration) (n int) {
	for _, learnt := range slices.Backward(c.own[b.op]) {
		if learnt < at {
			break
		}
		if learnt < b.Sent.At {
			n++
		}
	}
	return n
}

// lastReset is the last one before a time; the beginning is one.
func (c *closedBreaker) lastReset(at time.Duration) reset {
	i, _ := slices.BinarySearchFunc(c.resets, at, func(r reset, at time.Duration) int { return cmp.Compare(r.at, at) })
	if i == 0 {
		return reset{at: -1, closed: true}
	}
	return c.resets[i-1]
}

// closedUntil tells whether the breaker surely was closed until a time: fewer calls
// than it takes may have failed since the last reset, whenever that was learnt.
func (c *closedBreaker) closedUntil(at time.Duration) bool {
	r := c.lastReset(at)
	return r.closed && before(c.sent, at)-r.failed < c.policy.Failures
}

// mistakes are the moments at which a breaker opens that counts otherwise than it
// should, while it surely was closed.
func (c *closedBreaker) mistakes() (ms []mistake) {
	var row, all, bad []*history.Event // failures in a row, failures, failures and refusals in a row
	since, refused := time.Duration(-1), false
	for _, b := range c.ended {
		learnt := c.outcome(b)
		if learnt == saga.Done || learnt == "" {
			row, bad, refused = nil, nil, false
			continue
		}
		if !c.closedUntil(b.LearntAt() + 1) {
			row, all, bad, refused = nil, nil, nil, false
			continue
		}
		bad, refused = append(bad, b.Ended), refused || learnt == saga.Permanent
		if learnt == saga.Permanent {
			row = nil
		} else {
			if len(all) == 0 {
				since = b.Ended.At
			}
			row, all = append(row, b.Ended), append(all, b.Ended)
		}
		last := len(ms)
		if len(all) == c.policy.Failures && c.lastReset(b.LearntAt()).at > since {
			ms, all = append(ms, mistake{closedInARow, b, all}), nil
		}
		if len(bad) == c.policy.Failures && refused {
			ms, bad = append(ms, mistake{closedRefusals, b, bad}), nil
		}
		if len(ms) == last && learnt == saga.Transient && len(row) == c.policy.Failures-1 {
			ms = append(ms, mistake{closedBefore, b, slices.Clone(row)})
		}
	}
	return ms
}

// checkClosed looks for calls that were held back as by a breaker that opened too
// early. The waits are in the order in which they were over.
func checkClosed(t *tally, tm *timing, calls []breakerCall, ws []wait, lag time.Duration) {
	if !watchedBreakers.has(tm.ix.History.Header.Definitions) {
		return
	}
	c := newClosedBreaker(calls, lag, breakerCall.surely)
	likely := newClosedBreaker(calls, breakerTolerance, breakerCall.seemingly) // as if the machine had not been late
	hidden := slices.ContainsFunc(calls, func(b breakerCall) bool { return tm.ix.History.MayBeRefused(b.op) })
	for _, m := range likely.mistakes() {
		judgeClosed(t, tm, c, m, ws, hidden)
	}
	if 3*tm.ix.Lag >= c.policy.Open()/2 {
		likely.missed(t, ws)
	}
}

// missed counts what a late machine may have kept from happening: enough failures and
// refusals were answered, and some were lost. The more attempts came beside the
// breaker, the nearer it came.
func (c *closedBreaker) missed(t *tally, ws []wait) {
	failures, refusals := 0, 0
	for _, b := range c.calls {
		for _, e := range b.Answered {
			switch saga.Classify(e.Code) {
			case saga.Transient:
				failures++
			case saga.Permanent:
				refusals++
			}
		}
	}
	reached := map[string]bool{
		closedBefore:   failures >= c.policy.Failures-1,
		closedInARow:   failures >= c.policy.Failures,
		closedRefusals: refusals > 0 && failures+refusals >= c.policy.Failures,
	}
	for _, k := range []string{closedBefore, closedInARow, closedRefusals} {
		if n := t.of(k); !reached[k] || n.Held+n.Broken+n.Unjudgeable > 0 {
			continue
		}
		for _, w := range ws {
			if !w.shared {
				t.unjudgeable(k, tooLateToSay)
			}
		}
	}
}

// judgeClosed judges the attempts that were due while the breaker would have been open.
// One that came before the open time was over shows that it was not.
func judgeClosed(t *tally, tm *timing, c *closedBreaker, m mistake, ws []wait, hidden bool) {
	opened, until := m.by.LearntAt(), earliestFailure(m.by.Attempt)+c.policy.Open()
	late := c.policy.Open() / 2
	tooLate := false
	for _, w := range between(ws, opened+timerTolerance, until+c.policy.Open()) {
		due := max(w.due(), opened)
		if w.breaker != c.policy.Name {
			continue
		}
		if due > until-late {
			tooLate = true
			continue
		}
		inTime := w.next.At < until-timerTolerance || c.anySent(opened+breakerTolerance, until-timerTolerance)
		switch {
		case hidden:
			t.unjudgeable(m.clause, unseen)
		case w.unknown != "" || disturbed(tm.ds, 0, w.next.Seq):
			t.unjudgeable(m.clause, wasDisturbed)
		case !c.closedUntil(w.next.At) || 2*tm.ix.Lag >= late:
			t.unjudgeable(m.clause, tooLateToSay)
		case !inPace(between(ws, due+breakerTolerance, until), late/2):
			t.unjudgeable(m.clause, "too few attempts that pass through no breaker came in time meanwhile")
		case inTime:
			t.held(m.clause, 1)
		default:
			t.violate(m.clause, w.op, append(m.events, w.next), "broke the circuit breaker %q: attempt %d of %s was held back for %v, as if it were open, and it can't have been: it opens at %d failures in a row", w.breaker, w.next.Attempt, w.op, ms(w.next.At-w.due()), c.policy.Failures)
		}
		return
	}
	if tooLate {
		t.unjudgeable(m.clause, tooLateToSay)
	}
}

// anySent tells whether any call behind the breaker was sent between two times.
func (c *closedBreaker) anySent(from, to time.Duration) bool {
	i, _ := slices.BinarySearchFunc(c.calls, from, func(b breakerCall, at time.Duration) int { return cmp.Compare(b.Sent.At, at) })
	return i < len(c.calls) && c.calls[i].Sent.At < to
}

// pacers is how many attempts that pass through no breaker must have come in time while
// one behind it may have been held back.
const pacers = 2

// inPace tells whether so many did, and none came later than it was due by more than
// that.
func inPace(ws []wait, late time.Duration) bool {
	free := slices.DeleteFunc(slices.Clone(ws), func(w wait) bool { return w.shared || w.unknown != "" })
	return len(free) >= pacers && !slices.ContainsFunc(free, func(w wait) bool { return w.next.At-w.due() > late })
}

// between are the waits that were over after one time and up to another.
func between(ws []wait, from, to time.Duration) []wait {
	end := func(w wait, at time.Duration) int { return cmp.Compare(w.next.At, at) }
	i, _ := slices.BinarySearchFunc(ws, from+1, end)
	k, _ := slices.BinarySearchFunc(ws, to+1, end)
	return ws[i:max(i, k)]
}

// due is when the attempt should have been sent at the latest.
func (w wait) due() time.Duration { return w.next.At - w.shortest + max(w.hi, w.asked) }

// allWaits are the waits of all operations of a history, in the order in which they
// were over.
func allWaits(tm *timing) (ws []wait) {
	for _, s := range singleSagas(tm.ix.History, tm.ix) {
		for _, o := range opsOf(s) {
			ws = append(ws, tm.waitsOf(s, o)...)
		}
	}
	slices.SortStableFunc(ws, func(a, b wait) int { return cmp.Compare(a.next.At, b.next.At) })
	return ws
}
