package saga

import (
	"time"
)

// BreakerWatch is a part of a saga at which it shows when a circuit breaker opens
// though it should not: a call behind the breaker, and one right before it that
// passes through none. In a cell of WatchSagas sagas or more some can be kept at the
// first, whose retries tell how punctual the orchestrator is, while others are at the
// second.
type BreakerWatch struct {
	Before, Behind Step
	// Failures is how many attempts of Before take longer than those of Behind that it
	// takes to open the breaker, and its next; Rounds how many last until the breaker
	// would close again.
	Failures, Rounds int
}

// WatchSagas is how many sagas a cell needs.
const WatchSagas = 4

// watchMargin is how long after a success behind a breaker the next call behind it
// surely comes later.
const watchMargin = 100 * time.Millisecond

// WatchBreaker finds the first such part; not ok: there is none, or its policies leave
// no time for it.
func (d Definition) WatchBreaker() (w BreakerWatch, ok bool) {
	for i, behind := range d.Steps {
		before, found := Step{}, false
		if names := d.Predecessors(i); len(names) == 1 {
			before, found = d.Step(names[0])
		}
		if !found || !paced(before) || !paced(behind) || before.Action.Breaker != nil || before.Action.RetryBudget != nil || len(d.Predecessors(d.StepIndex(before.Name))) > 0 {
			continue
		}
		if w, ok = watchAt(before, behind); ok {
			return w, true
		}
	}
	return w, false
}

// paced: how long the waits between attempts of the step's action are is in its policy.
func paced(s Step) bool {
	return s.Kind != Deferrable && (s.Kind != Pivot || s.Compensation != nil) && s.Action.Retry.DeadlineMS == 0
}

func watchAt(before, behind Step) (w BreakerWatch, ok bool) {
	b, p, q := behind.Action.Breaker, before.Action.Retry, behind.Action.Retry
	if b == nil || b.Failures < 2 || q.Most() > 0 && q.Most() <= b.Failures {
		return w, false
	}
	if _, hi := q.Band(b.Failures); hi > b.Open()/4 {
		return w, false
	}
	_, _, row := q.waits(b.Failures)
	w = BreakerWatch{Before: before, Behind: behind}
	for n := 1; n <= mostRounds && (p.Most() == 0 || n < p.Most()); n++ {
		least, mean, _ := p.waits(n + 1)
		if w.Failures == 0 && least >= row+watchMargin {
			w.Failures = n
		}
		_, first, _ := p.waits(w.Failures + 1)
		w.Rounds = n
		ok = w.Failures > 0 && p.Backoff(n+1) <= b.Open()/3 && mean >= first+row+b.Open()/2
		if ok && mean >= first+row+3*b.Open()/2 {
			break
		}
	}
	return w, ok
}

const mostRounds = 20

// waits is how long the waits before attempts up to n last together: at the least, on
// the average, at the most.
func (p RetryPolicy) waits(n int) (least, mean, most time.Duration) {
	for k := 2; k <= n; k++ {
		lo, hi := p.Band(k)
		least, mean, most = least+lo, mean+p.Backoff(k), most+hi
	}
	return least, mean, most
}
