package planning

import (
	"slices"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// Which faults are sure to fire beside which: the rules of drawn plans that need
// more than the prediction for one saga.

// unsettles tells whether other faults are not sure to fire beside one: what it
// costs depends on the time (of submit: whether the client is still there for a
// slow answer, or the orchestrator for a late request), or it strikes a process
// in which more goes on than one call.
func unsettles(d saga.Definition, f faults.Fault, many bool) bool {
	e := f.Injection(0)
	if e.Refused || e.Victim == faults.ServiceDown || saga.Inbound(f.At.Step) {
		return true
	}
	if !strikesProcess(f) {
		return false
	}
	// What else is under way loses its answer too, a refusal perhaps; and when the
	// process goes on, an answer that lies there and the time-out are both due.
	retry := policyOf(d, f.At)
	lastAttempt := retry.Most() > 0 && f.At.Attempt >= retry.Most()
	return many || !alone(d, f.At.Step) || e.Victim == faults.ProcessPaused && f.DelayMS >= retry.AttemptTimeoutMS && lastAttempt
}

// strikesProcess: the fault hits the orchestrator's process at a point.
func strikesProcess(f faults.Fault) bool {
	return !f.At.IsZero() && f.Injection(0).OnProcess()
}

// clashes tells whether two faults are not sure to fire in one plan: both at the
// process; one at it, and another at the same operation; a rollback that is asked
// for, and a step that may not have started by then; at one attempt, a second copy
// and whatever waits for the effect, which may be the copy's; and, of several
// sagas that compete, two at one attempt, which may be of different ones, or one
// that may end the only saga that would come to the other.
func clashes(d saga.Definition, f, o faults.Fault, several bool) bool {
	copies := func(x faults.Fault) bool { return x.Injection(0).Copied }
	overtakes := func(x, y faults.Fault) bool {
		ends := x.Injection(0).Rolls() || several && endsSaga(d, x)
		return ends && x.At.Step != y.At.Step && !slices.Contains(d.Ancestors(x.At.Step), y.At.Step)
	}
	switch {
	case strikesProcess(f) && strikesProcess(o) || overtakes(f, o) || overtakes(o, f):
		return true
	case f.At.Ref() != o.At.Ref():
		return false
	case strikesProcess(f) || strikesProcess(o):
		return true
	}
	return f.At.Attempt == o.At.Attempt && (several || copies(f) || copies(o))
}

// endsSaga tells whether a saga may go no further after a fault.
func endsSaga(d saga.Definition, f faults.Fault) bool {
	e := f.Injection(0)
	return e.Refuses() || e.Rolls() || policyOf(d, f.At).MaxAttempts == 1
}

// compete tells whether sagas of a cell may be in each other's way, by registers,
// breakers or retry budgets: then only their first attempts are sure.
func compete(defs []saga.Definition) bool {
	return len(defs) > 1 && slices.ContainsFunc(defs[0].Steps, func(s saga.Step) bool {
		return s.Action.Breaker != nil || s.Action.RetryBudget != nil || contends(defs[0], s.Name)
	})
}

// contends tells whether sagas may compete for what a step changes: then it is not
// sure that the step of a certain one has its effect.
func contends(d saga.Definition, step string) bool {
	s, _ := d.Step(step)
	e, err := s.Action.Effect()
	return err == nil && len(e.Writes) > 0
}

// alone tells whether no other step of a saga runs beside a step: all others come
// before it or after it.
func alone(d saga.Definition, step string) bool {
	related := len(d.Ancestors(step)) + 1
	for _, s := range d.Steps {
		if slices.Contains(d.Ancestors(s.Name), step) {
			related++
		}
	}
	return related == len(d.Steps)
}
