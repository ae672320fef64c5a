package checkers

import (
	"cmp"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// wait is the time between the failure of an attempt and the next one, as far as
// it can be told from the wire.
type wait struct {
	op       saga.Operation
	failed   *history.Attempt
	next     *history.Event // call-sent
	policy   saga.RetryPolicy
	breaker  string        // that it passes through; empty: none
	shared   bool          // something that calls share may hold it back
	lo, hi   time.Duration // the band of the policy
	shortest time.Duration // since the orchestrator surely had learnt the failure
	longest  time.Duration // since it can have learnt it at the earliest
	asked    time.Duration // the longest Retry-After of the answers
	answered time.Duration // since the participant answered: a Retry-After may be a date
	unknown  string        // why it can't be judged; empty: it can
}

// timing is what the waits of a history are measured with.
type timing struct {
	ix     *history.Index
	ds     []disturbance
	faulty map[hit]bool    // attempts that a fault struck
	window map[string]bool // steps under a window that struck something
	// keepsTimeout: the orchestrator says that it gives an attempt up at its time-out,
	// which may begin so much before the wire sees the attempt.
	keepsTimeout bool
	late         time.Duration
	lag          time.Duration // the longest: see longestLag
}

// failedSomewhen is why a wait can't be measured whose beginning nobody saw.
const failedSomewhen = "the moment of the failure is not known"

type hit struct {
	op saga.Operation
	n  int
}

func newTiming(ix *history.Index) *timing {
	t := &timing{ix: ix, ds: disturbances(ix.History, ix), faulty: map[hit]bool{}, window: map[string]bool{}}
	t.keepsTimeout = slices.Contains(ix.History.Header.Orchestrator.Capabilities, "attempt-timeout")
	for i, es := range ix.Fired {
		for _, e := range es {
			t.faulty[hit{e.Operation(), e.Attempt}] = true
		}
		if i < len(ix.History.Header.Faults) {
			for _, step := range ix.History.Header.Faults[i].Steps {
				t.window[step] = true
			}
		}
	}
	t.lag = t.longestLag()
	t.late = max(3*ix.Lag, t.lag)
	return t
}

// waitsOf lists the waits of an operation after a transient failure. One can be
// judged between attempts that follow each other, while the orchestrator ran
// undisturbed from the beginning (a kill may cost the count of attempts, which the
// band depends on). Operations that go on beyond their policy have none.
func (t *timing) waitsOf(s *history.SagaRecord, o *history.OpRecord) []wait {
	as := tries(s, o)
	if len(as) < 2 || endless(s, o.Op) {
		return nil
	}
	p := o.Call.Retry
	var ws []wait
	for i, b := range as[1:] {
		a := as[i]
		if a.Learnt() != saga.Transient {
			continue
		}
		w := wait{op: o.Op, failed: a, next: b.Sent, policy: p, asked: retryAfter(a), shared: heldBack(o.Call)}
		w.lo, w.hi = p.Band(b.N)
		if o.Call.Breaker != nil {
			w.breaker = o.Call.Breaker.Name
		}
		w.longest = b.Sent.At - t.earliestFailure(o, a)
		w.shortest = b.Sent.From() - latestFailure(a, p)
		w.answered = b.Sent.At - answeredAt(a)
		switch {
		case t.ix.History.MayBeRefused(o.Op):
			w.unknown = unseen
		case disturbed(t.ds, 0, b.Sent.Seq):
			w.unknown = wasDisturbed
		case b.Sent.Seq < a.Sent.Seq, b.N != a.N+1: // the wire counted one before the other and noted it after: it was late
			w.unknown = tooLateToSay
		case t.seenLate(o, a):
			w.unknown = failedSomewhen
		case hurried(s, a, b):
			w.unknown = "an operator may have ended the wait"
		case policiesChanged(t.ix, b.Sent.Seq):
			w.unknown = otherPolicies
		}
		ws = append(ws, w)
	}
	return ws
}

// heldBack tells whether something that calls share may hold an attempt back beyond its
// wait: a circuit breaker, a retry budget.
func heldBack(c saga.Call) bool { return c.Breaker != nil || c.RetryBudget != nil }

// hungUp tells that the participant broke the connection instead of answering.
func hungUp(a *history.Attempt) bool {
	return slices.ContainsFunc(a.Answered, func(e *history.Event) bool { return e.Code == 0 })
}

// answeredAt is when the participant answered; without an answer, when the attempt
// began.
func answeredAt(a *history.Attempt) time.Duration {
	if len(a.Answered) > 0 {
		return a.Answered[0].At
	}
	return a.Sent.At
}

// seenLate tells that the orchestrator may have given the attempt up before the
// wire's record of it begins, or before it was answered: then nobody knows when
// the failure was learnt. So it is with attempts that were broken by no fault and
// yet ended long before their time-out, and on machines that are late by a good
// part of a time-out.
func (t *timing) seenLate(o *history.OpRecord, a *history.Attempt) bool {
	limit := o.Call.Retry.ShortestTimeout()
	switch {
	case limit == 0:
		return false
	case a.Ended.Code != 0:
		return !a.InTime()
	case t.late >= limit:
		return true
	}
	return a.Ended.At-a.Sent.At < limit/2 && !t.window[o.Op.Step] && !t.faulty[hit{o.Op, a.N}]
}

// earliestFailure is the earliest time at which the orchestrator can have learnt
// that the attempt failed. Silence it learns by its time-out, which it keeps if it
// says so, and which began before the wire saw the attempt by no more than the
// machine was late, or the orchestrator anywhere in the cell: it may write down what
// it begins while the time-out runs. On a machine that is late by a good part of a time-out it can't
// be told from a connection that broke, and a participant that hung up was not silent.
func (t *timing) earliestFailure(o *history.OpRecord, a *history.Attempt) time.Duration {
	full, late := o.Call.Retry.ShortestTimeout(), t.late
	if a.Ended.Code == 0 && !hungUp(a) && t.keepsTimeout && 2*late <= full && a.Ended.At-a.Sent.At >= full-late {
		return a.Sent.At + full - late
	}
	return earliestFailure(a)
}

// earliestFailure is that time whatever the orchestrator says of itself: an answer
// that it may not have read may have come after its time-out.
func earliestFailure(a *history.Attempt) time.Duration {
	if at, answered := a.AnsweredAt(); answered && a.Ended.Code != 0 && a.Ended.Certain {
		return at
	}
	return a.Sent.At
}

// latestFailure is the latest such time: when its side had the whole answer, when
// its connection was over, or its attempt timed out.
func latestFailure(a *history.Attempt, p saga.RetryPolicy) time.Duration {
	if limit := p.AttemptTimeout(); limit > 0 {
		return min(a.LearntAt(), a.Sent.At+limit)
	}
	return a.LearntAt()
}

// wireLags is how long attempts that no fault struck took from the wire to their
// participant, the shortest first.
func (t *timing) wireLags() []time.Duration {
	var ds []time.Duration
	for _, s := range t.ix.Sagas {
		for _, o := range s.Ops {
			for _, a := range o.Attempts {
				if a.Sent != nil && len(a.Received) > 0 && !t.faulty[hit{o.Op, a.N}] {
					ds = append(ds, a.Received[0].At-a.Sent.At)
				}
			}
		}
	}
	slices.Sort(ds)
	return ds
}

// wakeups is how many times the longest lag of a cell the orchestrator may be late with one thing: a
// timer fires, what follows is written down, waited for, written down again, connected, and noted by
// the wire, each as late as whatever was seen in the cell. 4.3 times were measured between a time-out
// and the attempt after it, on 2 cores with a load of 20.
const wakeups = 10

// lateAtMost is how much later than it should have begun an attempt may be seen on a machine with
// this longest lag.
func lateAtMost(lag time.Duration) time.Duration { return measuringTolerance + wakeups*lag }

// beganPast is the first attempt that began later after an event than a time allows, by more than the
// machine may have been late with it. Why tells, if there is none, that one of them can't be judged.
func (t *timing) beganPast(since *history.Event, most time.Duration, as []*history.Attempt) (past *history.Attempt, why string) {
	for _, a := range as {
		switch late := a.Sent.From() - since.At; {
		case late <= most+measuringTolerance:
		case disturbed(t.ds, since.Seq, a.Sent.Seq):
			why = wasDisturbed
		case late <= most+lateAtMost(t.lag):
			why = tooLateToSay
		default:
			return a, ""
		}
	}
	return nil, why
}

// longestLag is how late things were at the worst on this machine, in this cell,
// where no fault had a hand: the harness itself, attempts from the wire to their participant, sagas
// from submission to acceptance, steps from the success of those before them to
// their own first attempt, and compensations from that of the one before.
func (t *timing) longestLag() time.Duration {
	longest := max(t.ix.Lag, quantile(t.wireLags(), 1))
	for _, s := range t.ix.Sagas {
		if len(s.Submitted) == 1 && len(s.Accepted) > 0 && t.untouched(s.Submitted[0], s.Accepted[0], hit{saga.Operation{Saga: s.ID, Step: saga.SubmitStep, Direction: saga.Action}, 1}) {
			longest = max(longest, s.Accepted[0].At-s.Submitted[0].At)
		}
		for _, d := range slices.Concat(t.handovers(s), t.undoHandovers(s)) {
			longest = max(longest, d)
		}
	}
	return longest
}

// untouched tells that no fault had a hand in what lies between two events: the orchestrator was not
// disturbed, and none struck these attempts.
func (t *timing) untouched(from, to *history.Event, attempts ...hit) bool {
	return !disturbed(t.ds, from.Seq, to.Seq) && !slices.ContainsFunc(attempts, func(a hit) bool { return t.faulty[a] })
}

// handovers are the times between the success of the last step before another
// one and the first attempt of that.
func (t *timing) handovers(s *history.SagaRecord) (ds []time.Duration) {
	for i, step := range s.Definition.Steps {
		began := firstSent(s.Op(step.Name, saga.Action))
		if began == nil || step.Action.Breaker != nil {
			continue
		}
		var done *history.Event
		for _, name := range s.Definition.Predecessors(i) {
			if e := acknowledged(s.Op(name, saga.Action)); e != nil && (done == nil || e.Seq > done.Seq) {
				done = e
			}
		}
		if free := freed(s, step.Name); free != nil && (done == nil || free.Seq > done.Seq) {
			done = free
		}
		if done != nil && done.Seq < began.Seq && t.handedOver(done, began) {
			ds = append(ds, began.At-done.At)
		}
	}
	return ds
}

// undoHandovers are the times between the success of a compensation and the first attempt of the one
// that came next.
func (t *timing) undoHandovers(s *history.SagaRecord) (ds []time.Duration) {
	for _, step := range s.Definition.Steps {
		began := firstSent(s.Op(step.Name, saga.Compensation))
		if began == nil || step.Compensation == nil || step.Compensation.Breaker != nil {
			continue
		}
		var done *history.Event
		for _, before := range s.Definition.Steps {
			e := acknowledged(s.Op(before.Name, saga.Compensation))
			if e != nil && e.Seq < began.Seq && (done == nil || e.Seq > done.Seq) {
				done = e
			}
		}
		if done != nil && t.handedOver(done, began) {
			ds = append(ds, began.At-done.At)
		}
	}
	return ds
}

// handedOver tells that no fault had a hand in what lies between the success of an operation and the first
// attempt of another one. What strikes that attempt when it has come to the wire had none.
func (t *timing) handedOver(done, began *history.Event) bool {
	return t.untouched(done, began, hit{done.Operation(), done.Attempt}) && !t.window[began.Step] && !t.ix.History.MayBeRefused(began.Operation())
}

// quantile is the q-th quantile of durations in order; 0 if there is none.
func quantile(ds []time.Duration, q float64) time.Duration {
	if len(ds) == 0 {
		return 0
	}
	return ds[int(q*float64(len(ds)-1))]
}

// apart keeps of some waits those that ended at least d after the one kept
// before: what a stall of the machine releases together counts once.
func apart[W any](ws []W, end func(W) time.Duration, d time.Duration) []W {
	ws = slices.SortedFunc(slices.Values(ws), func(a, b W) int { return cmp.Compare(end(a), end(b)) })
	var kept []W
	for _, w := range ws {
		if len(kept) == 0 || end(w)-end(kept[len(kept)-1]) >= d {
			kept = append(kept, w)
		}
	}
	return kept
}
