package checkers

import (
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
	lo, hi   time.Duration // the band of the policy
	shortest time.Duration // since the orchestrator surely had learnt the failure
	longest  time.Duration // since it can have learnt it at the earliest
	asked    time.Duration // the longest Retry-After of the answers
}

// waitsOf lists the waits of an operation that can be judged: between attempts
// that follow each other, after a transient failure, while the orchestrator ran
// undisturbed from the beginning (a kill may cost the count of attempts, which
// the band depends on). Operations that may have been attempted without a trace,
// or go on beyond their policy, have none.
func waitsOf(h *history.History, s *history.SagaRecord, o *history.OpRecord, ds []disturbance) []wait {
	as := sent(o)
	if len(as) < 2 || hiddenAttempts(h, o.Op) || endless(s, o.Op) {
		return nil
	}
	p := o.Call.Retry
	var ws []wait
	for i, b := range as[1:] {
		a := as[i]
		if b.N != a.N+1 || a.Learnt() != saga.Transient || disturbed(ds, 0, b.Sent.Seq) {
			continue
		}
		w := wait{op: o.Op, failed: a, next: b.Sent, policy: p, asked: retryAfter(a)}
		w.lo, w.hi = p.Band(b.N)
		w.longest = b.Sent.At - earliestFailure(a)
		w.shortest = b.Sent.At - latestFailure(a, p)
		ws = append(ws, w)
	}
	return ws
}

// earliestFailure is the earliest time at which the orchestrator can have learnt
// that the attempt failed.
func earliestFailure(a *history.Attempt) time.Duration {
	if a.Ended.Code != 0 && len(a.Answered) > 0 {
		return a.Answered[0].At
	}
	return a.Sent.At
}

// latestFailure is the latest such time: when its connection was over, or its
// attempt timed out.
func latestFailure(a *history.Attempt, p saga.RetryPolicy) time.Duration {
	if limit := p.AttemptTimeout(); limit > 0 {
		return min(a.Ended.At, a.Sent.At+limit)
	}
	return a.Ended.At
}

// noise is the longest time that an attempt without a fault took from the wire to
// its participant: how late things were on this machine, in this cell.
func noise(ix *history.Index) time.Duration {
	type hit struct {
		op saga.Operation
		n  int
	}
	faulty := map[hit]bool{}
	for _, es := range ix.Fired {
		for _, e := range es {
			faulty[hit{e.Operation(), e.Attempt}] = true
		}
	}
	longest := time.Duration(0)
	for _, s := range ix.Sagas {
		for _, o := range s.Ops {
			for _, a := range o.Attempts {
				if a.Sent != nil && len(a.Received) > 0 && !faulty[hit{o.Op, a.N}] {
					longest = max(longest, a.Received[0].At-a.Sent.At)
				}
			}
		}
	}
	return longest
}
