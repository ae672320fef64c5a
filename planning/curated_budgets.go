package planning

import (
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// amplified: all sagas of a herd fail three times in a row at a call with a retry budget, but
// that the process is killed at the third attempt of one of them, when the budget has been
// spent and all the others still want more of it.
func (e *ending) amplified() {
	s := e.d.Steps[0]
	if e.sagas < aHerd || s.Action.RetryBudget == nil || !e.a.Process || s.Action.Retry.Most() > 0 && s.Action.Retry.Most() < 4 {
		return
	}
	kill := to(1, killed(point(s.Name, 3, saga.Receive), s.Action.Retry))
	var fs []faults.Fault
	for n := 1; n <= e.sagas; n++ {
		of := burst(to(n, unavailable(point(s.Name, 1, saga.Receive))), 3)
		if n == 1 {
			of[2] = kill
		}
		fs = append(fs, of...)
	}
	e.plans = append(e.plans, faults.Plan{Faults: fs})
}

// spent: a saga with a budget over all its actions loses attempts at one after the other, no
// more of any than its own policy allows, until the budget is spent: quickly, and slowly.
func (e *ending) spent() {
	b := e.d.Budget
	told := func(step string, n int) faults.Fault { return unavailable(point(step, n, saga.Receive)) }
	silent := func(step string, n int) faults.Fault { return lost(point(step, n, saga.Request)) }
	for _, miss := range []func(step string, n int) faults.Fault{told, silent} {
		var fs []faults.Fault
		left := b.Attempts
		for _, s := range e.d.Steps {
			most := s.Action.Retry.Most()
			for n := 1; s.Budgeted() && left > 0 && (most == 0 || n < most); n++ {
				fs = append(fs, miss(s.Name, n))
				left--
			}
			if left--; left <= 0 {
				break
			}
		}
		for len(fs) > 0 && !e.add(fs...) { // the time may end it before
			fs = fs[:len(fs)-1]
		}
	}
	e.awayFor(b.Time())
}

// awayFor: the first participant is out of reach until the time of the saga's budget is over. No
// attempt of its action arrives, and it is undone all the same.
func (e *ending) awayFor(budget time.Duration) {
	if first := e.d.Steps[0]; budget > 0 && first.Budgeted() && first.Compensation != nil {
		e.plans = append(e.plans, faults.Plan{Faults: []faults.Fault{away(first.Name, int(2*budget.Milliseconds()))}})
	}
}
