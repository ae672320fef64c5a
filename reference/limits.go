package reference

import (
	"math"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// How often an operation is attempted, and how long it waits before.

// Limits are what bounds the attempts of an operation.
type Limits struct {
	Policy saga.RetryPolicy
	// Endless: it is attempted until its outcome is known, whatever the policy
	// says: a pivot that can't be undone, a deferred step.
	Endless bool
	// Background: after one attempt in the normal course it goes on in the
	// background, since its policy has no end of its own.
	Background bool
	// Until is when the budget of the saga lets no attempt begin any more; zero: never.
	Until time.Time
}

func (s *State) limits(r Ref) Limits { return s.rules.Limits(s, r) }

func (s *State) defaultLimits(r Ref) Limits {
	l := Limits{Policy: s.call(r).Retry}
	l.Policy.Rounds = max(0, l.Policy.Rounds-s.Op(r).lostRounds)
	if r.Dir == saga.Compensation {
		return l
	}
	if b, _ := s.budgetOf(r.Step); b.TimeMS > 0 && s.Def.Steps[r.Step].Budgeted() && !s.PastPivot() {
		l.Until = s.accepted.Add(b.Time())
	}
	switch st := &s.Def.Steps[r.Step]; st.Kind {
	case saga.Pivot:
		l.Endless = st.Compensation == nil
	case saga.Deferrable:
		l.Endless = s.Actions[r.Step].Exhausted
		l.Background = l.Policy.MaxAttempts == 0
	}
	return l
}

// exhausted tells whether there may be no further attempt in the normal course,
// if it would leave at the time due.
func (l Limits) exhausted(attempts int, first, due time.Time) bool {
	if l.Endless {
		return false
	}
	most := l.Policy.Most()
	return l.Background || most > 0 && attempts >= most || l.tooLate(first, due)
}

// tooLate tells whether an attempt at that time would miss the deadline, which
// counts from the first attempt.
func (l Limits) tooLate(first, at time.Time) bool {
	return l.Policy.DeadlineMS > 0 && !l.Endless && !first.IsZero() &&
		at.After(first.Add(time.Duration(l.Policy.DeadlineMS)*time.Millisecond))
}

// nextDue draws the time of the attempt after n, which ended at that time.
func (o *operation) nextDue(n int, ended, notBefore time.Time) time.Time {
	due := ended.Add(o.run.e.rules.Wait(o.op, n+1))
	if due.Before(notBefore) {
		return notBefore
	}
	return due
}

// waitWithin is the wait before attempt n, at a place in its band.
func waitWithin(p saga.RetryPolicy, n int, place float64) time.Duration {
	if n < 2 {
		return 0
	}
	lo, hi := band(p, n)
	return lo + time.Duration(place*float64(hi-lo))
}

// The floor under the waits: a policy without pauses may be hasty for some attempts,
// not for ever.
const (
	hastyAttempts = 10
	leastWait     = 20 * time.Millisecond
)

// band is the interval in which the wait before attempt n lies: the policy's, but
// for the floor, and for what a float makes of nothing times infinity.
func band(p saga.RetryPolicy, n int) (lo, hi time.Duration) {
	if p.BeginsRound(n) {
		return p.Band(n)
	}
	if p.InitialIntervalMS > 0 && !math.IsInf(math.Pow(p.Multiplier, float64(n-2)), 0) {
		lo, hi = p.Band(n)
	} else if p.InitialIntervalMS > 0 { // the policy's longest
		p.InitialIntervalMS = p.MaxIntervalMS
		lo, hi = p.Band(2)
	}
	if n > hastyAttempts {
		lo, hi = max(lo, leastWait), max(hi, leastWait)
	}
	return lo, hi
}
