package planning

import (
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// runAgain lets rounds of a saga come to nothing: all of them, or some, by each of its steps; then a step is refused, or
// an operator asks for the rollback, in a later round. What is undone between two is not undone at once, or
// the process is killed there, or when the next has begun.
func (e *ending) runAgain() {
	if !e.d.HasRounds() {
		return
	}
	for i, s := range e.d.Steps {
		most := s.Action.Retry.MaxAttempts
		if most == 0 || !s.Budgeted() {
			continue
		}
		away := func(n int) []faults.Fault { return burst(unavailableAt(saga.InRound(s.Name, n)), most) }
		both := func(fs []faults.Fault, more ...faults.Fault) { e.add(append(fs[:len(fs):len(fs)], more...)...) }
		if e.d.Budget.TimeMS > 0 && e.sagas == 1 { // whether another round begins in time is up to the clock, and it should
			e.fires(away(1)...)
		}
		var all []faults.Fault
		for n := 1; n <= e.d.Rounds; n++ {
			all = append(all, away(n)...)
			e.add(all...)
		}
		second := point(saga.InRound(s.Name, 2), 1, saga.Receive)
		both(burst(lost(point(s.Name, 1, saga.Response)), most))
		both(away(1), declined(second))
		first := e.d.Steps[0]
		if i == 0 || first.Compensation == nil {
			continue
		}
		undo := saga.FailurePoint{Step: first.Name, Direction: saga.Compensation, Attempt: 1, Phase: saga.Receive}
		both(away(1), unavailable(undo))
		both(away(1), append([]faults.Fault{unavailable(undo)}, away(2)...)...)
		if e.a.Process {
			both(away(1), killed(undo, first.Compensation.Retry))
			both(away(1), killed(point(saga.InRound(first.Name, 2), 1, saga.Receive), first.Action.Retry))
		}
		if e.a.Operator {
			both(away(1), askedBack(second))
		}
	}
}
