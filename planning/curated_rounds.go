package planning

import (
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// rounds lets rounds of a step come to nothing: the answers are lost, or the requests, or both one round
// after the other; a process is killed in the last attempt of a round, and a later step is refused
// when what was found has to be undone.
func (e *ending) rounds() {
	for _, s := range e.d.Steps {
		if !s.HasRounds() {
			continue
		}
		one := s.Action.Retry.MaxAttempts
		unheard := burst(lost(point(s.Name, 1, saga.Response)), one)
		unseen := burst(lost(point(s.Name, 1, saga.Request)), one)
		e.add(unheard...)
		e.add(unseen...)
		e.add(append(unseen, from(unheard, one)...)...)
		if e.a.Process {
			last := point(s.Name, one, saga.Receive)
			e.add(append(burst(unavailableAt(s.Name), one-1), killed(last, s.Action.Retry))...)
			e.add(append(unheard[:one-1:one-1], killed(last, s.Action.Retry))...)
		}
		for i, later := range e.d.Steps {
			if p := e.d.Predecessors(i); len(p) == 1 && p[0] == s.Name {
				e.add(append(unheard, declined(point(later.Name, 1, saga.Receive)))...)
			}
		}
	}
}

// from moves faults to attempts that come n later.
func from(fs []faults.Fault, n int) (later []faults.Fault) {
	for _, f := range fs {
		f.At.Attempt += n
		later = append(later, f)
	}
	return later
}
