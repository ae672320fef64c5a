package planning

import (
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// clock is how long an operation has been under way before its next attempt: at
// the least and at the most.
type clock struct {
	lo, hi time.Duration
	killed bool // an attempt was cut short by a kill
}

func (c *clock) spend(lo, hi time.Duration) {
	c.lo += lo
	c.hi += hi
}

// lateness is how much later than it should an attempt may begin on a machine
// that is busy: a deadline that is nearer than that is a race.
const lateness = 75 * time.Millisecond

// tick is by how much the clocks of an orchestrator may be coarse.
const tick = 5 * time.Millisecond

// restartTakes bounds, in ms, how long an orchestrator is away after a kill. It
// is longer than any deadline that a scenario has: a kill makes deadlines a race.
const restartTakes = 10_000

// affords tells whether the budget of the saga lets an attempt of an action begin, and counts
// it. What comes near the end of its time is a race.
func (pr *prediction) affords(s saga.Step) bool {
	b := pr.def.Budget
	if b == (saga.Budget{}) || !s.Budgeted() || pr.pivoted {
		return true
	}
	if b.Attempts > 0 && pr.tried >= b.Attempts {
		pr.doubtful = pr.doubtful || pr.clock.killed || pr.way.killed
		return false
	}
	pr.tried++
	lo, hi := pr.way.lo+pr.clock.lo, pr.way.hi+pr.clock.hi
	switch {
	case b.TimeMS == 0 || hi+lateness <= b.Time():
		return true
	case pr.clock.killed, pr.way.killed, lo <= b.Time()+tick:
		pr.doubtful = true
	}
	return false
}

// outlast waits, perhaps, before an action is undone of which nobody knows whether it was done, until
// the last attempt has had all its time: it may come late.
func (pr *prediction) outlast(s saga.Step) {
	pr.way.spend(0, time.Duration(s.Action.Retry.AttemptTimeoutMS)*time.Millisecond)
}

// mayTry tells whether attempt n of a call is made, and lets the wait before it
// pass. What is due shortly before its deadline may come after it; what can't be due
// before it never comes.
func (pr *prediction) mayTry(p saga.RetryPolicy, n int, unbounded bool) bool {
	if n == 1 || unbounded {
		return true
	}
	if p.Most() > 0 && n > p.Most() {
		pr.doubtful = pr.doubtful || pr.clock.killed // the attempt that was cut short may be made again
		return false
	}
	pr.clock.spend(p.Band(n))
	deadline := time.Duration(p.DeadlineMS) * time.Millisecond
	switch {
	case deadline == 0 || pr.clock.hi+lateness <= deadline:
		return true
	case pr.clock.killed: // how long it is away is not known
		pr.doubtful = true
	case pr.clock.lo <= deadline+tick:
		pr.doubtful = true
	}
	return false
}
