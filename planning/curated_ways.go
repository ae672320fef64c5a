package planning

import (
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// waysRound gives up each step for which another one stands: it is refused, or nobody hears what
// became of it. Then its undo fails at first, or the orchestrator is killed in it, or asked for the
// rollback, or killed when the other step is under way; and the other step is refused, too, or one
// that comes later. An undo that is refused needs a person, and of the other step nobody may hear, either.
func (e *ending) waysRound() {
	for _, s := range e.d.Steps {
		way, ok := e.d.Step(e.d.Fallbacks()[s.Name])
		if !ok {
			continue
		}
		refused := []faults.Fault{declined(point(s.Name, 1, saga.Receive))}
		unheard := burst(lost(point(s.Name, 1, saga.Response)), s.Action.Retry.Most())
		undo := saga.FailurePoint{Step: s.Name, Direction: saga.Compensation, Attempt: 1, Phase: saga.Receive}
		other := point(way.Name, 1, saga.Receive)
		both := func(fs []faults.Fault, more ...faults.Fault) { e.add(append(fs[:len(fs):len(fs)], more...)...) }
		both(refused)
		both(unheard)
		both(unheard, unavailable(undo))
		both(refused, declined(other))
		both(refused, burst(lost(point(way.Name, 1, saga.Response)), way.Action.Retry.MaxAttempts)...)
		both(unheard, declined(undo))
		both(unheard, declined(other))
		if e.a.Process {
			both(unheard, killed(undo, s.Compensation.Retry))
			both(refused, killed(other, way.Action.Retry))
		}
		if e.a.Operator {
			both(unheard, askedBack(undo), unavailable(undo))
		}
		for i, later := range e.d.Steps {
			if p := e.d.Predecessors(i); len(p) == 1 && p[0] == way.Name {
				both(unheard, declined(point(later.Name, 1, saga.Receive)))
			}
		}
	}
}
