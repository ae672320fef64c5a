package planning

import (
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// throttledFor is how many seconds a participant asks to be left alone for, so that it shows
// whether an operator's retry ends the wait.
const throttledFor = 1

// operated has operators ask for things at two steps in order (see saga.GovernedPair). Each
// act is asked for at a place where it matters, by two consoles at once, who repeat themselves.
func (e *ending) operated() {
	first, second, ok := e.d.GovernedPair()
	if !ok {
		return
	}
	here := point(second.Name, 1, saga.Receive)
	e.operates(here, saga.ActRollback)
	e.operates(here, saga.ActPause, unavailable(here))
	e.operates(here, saga.ActRetry, throttled(here, throttledFor))
	e.operates(here, saga.ActEnd, unavailable(here))
	back := saga.FailurePoint{Step: first.Name, Direction: saga.Compensation, Attempt: 1, Phase: saga.Receive}
	e.operates(back, saga.ActEnd, declined(here), unavailable(back))
	for _, s := range e.d.Steps {
		if s.Kind == saga.Deferrable {
			at := point(s.Name, 1, saga.Receive)
			e.operates(at, saga.ActSkip, unavailable(at))
			return
		}
	}
}

// waitedFor is, in milliseconds, when a rollback is asked for in a wait that an answer has named (throttledFor).
const waitedFor = 300

// askedInWait: an operator asks for the rollback while nothing of the saga is under way: the first action waits for its next
// attempt.
func (e *ending) askedInWait() {
	for i, s := range e.d.Steps {
		p, at := s.Action.Retry, point(s.Name, 1, saga.Receive)
		plain := p.DeadlineMS == 0 && s.Action.Breaker == nil && s.Action.RetryBudget == nil && (p.Most() == 0 || p.Most() > 1)
		if e.a.Operator && plain && s.Kind == saga.Compensatable && e.d.Budget.TimeMS == 0 && len(e.d.Predecessors(i)) == 0 {
			e.fires(throttled(at, throttledFor), askedBackLater(at, waitedFor))
			return
		}
	}
}

// operates keeps the plans in which operators ask for something at a point, beside other faults, with
// and without a crash.
func (e *ending) operates(at saga.FailurePoint, act saga.Act, beside ...faults.Fault) {
	for _, crash := range []bool{false, true} {
		f := faults.Fault{At: at, As: string(act), Consoles: 2, Times: 2}
		switch {
		case act == saga.ActPause:
			f.DelayMS = flagLasts + 2*policyOf(e.d, at).MaxIntervalMS
		case act == saga.ActRetry && !crash:
			f.DelayMS = flagLasts
		case act == saga.ActRetry:
			continue // nothing waits while an attempt is held
		}
		if f = faults.Doing(f, faults.ByCrash(crash)); e.a.Operable(f) {
			e.fires(append(append([]faults.Fault{}, beside...), f)...)
		}
	}
}
