package planning

import (
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// redefined has the next version of the definition come while the first step of a saga is under way, before the steps
// that change places in it: the saga goes on, is killed then, turns, or does both.
func (e *ending) redefined() {
	if _, ok := e.d.Next(); !ok || !e.a.Versions || e.sagas > 1 {
		return
	}
	first := e.d.Steps[0]
	change := redefined(point(first.Name, 1, saga.Receive))
	e.version(change)
	crash := killed(point(first.Name, 1, saga.Response), first.Action.Retry)
	if e.a.Process {
		e.version(change, crash)
	}
	for i := len(e.d.Steps) - 1; i > 0; i-- { // the later it turns, the more is undone
		s := e.d.Steps[i]
		if s.Kind != saga.Compensatable && s.Kind != saga.Pivot || e.behindPivot(s) {
			continue
		}
		turn := declined(point(s.Name, 1, saga.Receive))
		if !e.version(change, turn) {
			continue
		}
		if e.a.Process {
			e.version(change, crash, turn)
		}
		return
	}
}

// version keeps a plan about the saga of the first version: the other one has no number in a plan.
func (e *ending) version(fs ...faults.Fault) bool {
	fs = append([]faults.Fault{}, fs...)
	for i := range fs {
		fs[i].Saga = 1
	}
	return e.add(fs...)
}
