package planning

import (
	"slices"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// rounds lets rounds of a step come to nothing: the answers are lost, or the requests, or both one round
// after the other; a process is killed, or a rollback asked for, in the last attempt of a round, and a later
// step is refused when what was found has to be undone.
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
		if e.a.Operator {
			asked := askedBack(point(s.Name, one, saga.Receive))
			e.add(append(unheard[:one:one], asked)...)
			e.add(append(burst(unavailableAt(s.Name), one), asked)...)
		}
		if e.a.Process {
			last := point(s.Name, one, saga.Receive)
			e.add(append(burst(unavailableAt(s.Name), one-1), killed(last, s.Action.Retry))...)
			e.add(append(unheard[:one-1:one-1], killed(last, s.Action.Retry))...)
			e.askedAfterKill(s)
		}
		e.lateForTheQuestion(s)
		for i, later := range e.d.Steps {
			if p := e.d.Predecessors(i); len(p) == 1 && p[0] == s.Name {
				e.add(append(unheard, declined(point(later.Name, 1, saga.Receive)))...)
			}
		}
	}
}

// askedAfterKill: the process is killed when the first round has come to nothing, and nothing comes of what follows,
// whether the attempt that the kill cut short counts or not. Who forgets to ask then is allowed one attempt more, and
// no two.
func (e *ending) askedAfterKill(s saga.Step) {
	p := s.Action.Retry
	fs := burst(unavailableAt(s.Name), min(2*p.MaxAttempts+1, p.Most()))
	cut := p.MaxAttempts - 1
	e.add(slices.Replace(fs, cut, cut+1, unsent(point(s.Name, cut+1, saga.Receive), p)...)...)
}

// lateForTheQuestion: what the last attempt of a round asked for arrives when the participant has said that
// nothing is there, and the next round was refused. It may have been done for all that.
func (e *ending) lateForTheQuestion(s saga.Step) {
	p := s.Action.Retry
	_, wait := p.Band(p.MaxAttempts + 1)
	fs := burst(lost(point(s.Name, 1, saga.Request)), p.MaxAttempts)
	fs[p.MaxAttempts-1] = late(point(s.Name, p.MaxAttempts, saga.Request), faults.LateBy(p)+2*int(wait.Milliseconds()))
	e.fires(append(fs, declined(point(s.Name, p.MaxAttempts+1, saga.Receive)))...)
}

// from moves faults to attempts that come n later.
func from(fs []faults.Fault, n int) (later []faults.Fault) {
	for _, f := range fs {
		f.At.Attempt += n
		later = append(later, f)
	}
	return later
}
