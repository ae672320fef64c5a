package planning

import (
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// turns is the plans for what happens while a saga turns back, and for kills in the
// middle of a policy: branches that end late, copies that come after the undo,
// compensations that fail and are interrupted.
func (e *ending) turns() {
	for _, s := range e.d.Steps {
		e.asked(s)
		e.interruptedDeferral(s)
	}
	e.lateBranch()
	e.lateRefusal()
	first := func(try func(s saga.Step) bool) { _ = slices.ContainsFunc(e.d.Steps, try) }
	first(e.interruptedBudget)
	first(e.neverArrived)
	first(e.copyAfterUndo)
	first(e.undoFails)
	first(e.undoInOrder)
	first(e.killedUnsent)
	first(e.undoKilledUnsent)
	first(e.undoesLong)
	e.longAlone()
}

// fires keeps a plan whose faults are sure to fire, whatever comes of the saga.
func (e *ending) fires(fs ...faults.Fault) {
	if p := (faults.Plan{Faults: fs}); predict(e.d, p, 1).allFire() {
		e.plans = append(e.plans, p)
	}
}

// asked: an operator asks for the rollback while the pivot is under way. Nobody
// can know which of the two was first.
func (e *ending) asked(s saga.Step) {
	if s.Kind != saga.Pivot || !e.a.Operator {
		return
	}
	for _, phase := range []saga.Phase{saga.Receive, saga.Commit} {
		e.fires(askedBack(point(s.Name, 1, phase)))
	}
}

// one is the number of the saga that a kill is aimed at where there are several.
func (e *ending) one() int {
	if e.sagas > 1 {
		return 1
	}
	return 0
}

// interruptedBudget: a kill in the middle of the attempts, all of which fail, however
// many there are: the one that the kill cut short may count or not. What was counted
// before it counts.
func (e *ending) interruptedBudget(s saga.Step) bool {
	const most, restart = 12, 1500 * time.Millisecond
	p := s.Action.Retry
	if !e.a.Process || e.sagas >= aHerd || p.Most() < 2 || p.Most() > most || p.DeadlineMS > 0 || s.Unbounded() || s.Action.Breaker != nil || s.Action.RetryBudget != nil || len(e.d.Predecessors(e.d.StepIndex(s.Name))) > 0 || !alone(e.d, s.Name) {
		return false
	}
	lasts := restart
	for n := 2; n <= p.Most()+1; n++ {
		_, hi := p.Band(n)
		lasts += hi
	}
	fail := failing(s.Name, int(lasts.Milliseconds()), (p.Most()+1)*e.sagas)
	kill := to(e.one(), killed(point(s.Name, min(2, p.Most()-1), saga.Response), p))
	e.plans = append(e.plans, faults.Plan{Faults: []faults.Fault{fail, kill}})
	return true
}

// interruptedDeferral: a kill while a step is deferred. It must be made up for all
// the same: also where the attempt that the kill cut short did nothing, so that nothing
// but another one can.
func (e *ending) interruptedDeferral(s saga.Step) {
	most := s.Action.Retry.Most()
	if !e.a.Process || s.Kind != saga.Deferrable || most == 0 {
		return
	}
	fs := burst(unavailableAt(s.Name), most)
	e.add(append(slices.Clone(fs), killed(point(s.Name, most+1, saga.Receive), s.Action.Retry))...)
	fs = burst(unavailableAt(s.Name), most+1)
	e.add(append(fs, killed(point(s.Name, most+1, saga.Response), s.Action.Retry))...)
}

// In ms: lateAnswer is long after a refusal beside it, and within every time-out;
// lateFailure is early enough in it that the failure was surely read.
const lateAnswer, lateFailure = 200, 100

// lateBranch: of two steps side by side one is refused, and the other answers long
// after that, well or badly. No step may start behind it then, nor may it be
// attempted again.
func (e *ending) lateBranch() {
	for i, s := range e.d.Steps {
		for j, other := range e.d.Steps {
			beside := i != j && s.Kind != saga.Deferrable && other.Kind != saga.Deferrable &&
				slices.Equal(e.d.Predecessors(i), e.d.Predecessors(j)) && s.Action.Retry.AttemptTimeoutMS > lateAnswer
			if !beside {
				continue
			}
			answer, refusal := point(s.Name, 1, saga.Response), declined(point(other.Name, 1, saga.Receive))
			e.add(late(answer, lateAnswer), refusal)
			e.add(unavailableAt(s.Name), late(answer, lateFailure), refusal)
			break
		}
	}
}

// lateRefusal: of a deferrable step and one beside it that must succeed, either is
// refused long after the other was done. What was deferred, and done, is undone then
// before what it followed; and a deferrable step that is refused undoes nothing.
func (e *ending) lateRefusal() {
	refuse := func(name string) bool {
		return e.add(
			late(point(name, 1, saga.Request), lateFailure),
			declined(point(name, 1, saga.Receive)))
	}
	for i, s := range e.d.Steps {
		if s.Kind != saga.Deferrable {
			continue
		}
		for _, other := range e.d.Steps {
			before := e.d.Ancestors(other.Name)
			together := !slices.ContainsFunc(e.d.Predecessors(i), func(name string) bool { return !slices.Contains(before, name) })
			if other.Kind == saga.Deferrable || !together || slices.Contains(before, s.Name) || slices.Contains(e.d.Ancestors(s.Name), other.Name) {
				continue
			}
			refuse(s.Name)
			if s.Compensation != nil && refuse(other.Name) {
				break
			}
		}
	}
}

// neverArrived: no attempt of an action arrives, and it is undone all the same,
// since nobody knows.
func (e *ending) neverArrived(s saga.Step) bool {
	most := s.Action.Retry.Most()
	return most > 0 && s.Compensation != nil && s.Kind != saga.Deferrable &&
		e.add(burst(lost(point(s.Name, 1, saga.Request)), most)...)
}

// undoing is the ways to get a step undone together with other faults, until one
// of them is sure.
func (e *ending) undoing(s saga.Step, with func(trigger []faults.Fault) []faults.Fault) bool {
	ways := triggers(e.d, s, saga.Compensation)
	if e.a.Operator {
		ways = append(ways, []faults.Fault{askedBack(point(s.Name, 1, saga.Receive))})
	}
	return s.Compensation != nil && slices.ContainsFunc(ways, func(trigger []faults.Fault) bool {
		return e.add(slices.Concat(trigger, with(trigger))...)
	})
}

// copyAfterUndo: a second copy of an action that was done arrives when it has been
// undone.
func (e *ending) copyAfterUndo(s saga.Step) bool {
	if e.several && contends(e.d, s.Name) { // whether it is done is not sure
		return false
	}
	return e.undoing(s, func(trigger []faults.Fault) []faults.Fault {
		ms := 2 * faults.LateBy(s.Action.Retry) // an undo may wait for what is under way, and the machine be late
		for n := range trigger {                // retries take their time
			_, hi := s.Action.Retry.Band(n + 1)
			ms += int(hi.Milliseconds())
		}
		return []faults.Fault{copied(point(s.Name, 1, saga.Request), ms)}
	})
}

// undoFails: a compensation fails several times in a row, and is told so: its
// waits can be measured.
func (e *ending) undoFails(s saga.Step) bool {
	const times = 4
	if s.Compensation == nil || s.Compensation.Retry.Most() > 0 && s.Compensation.Retry.Most() <= times {
		return false
	}
	at := saga.FailurePoint{Step: s.Name, Direction: saga.Compensation, Attempt: 1, Phase: saga.Receive}
	return e.undoing(s, func([]faults.Fault) []faults.Fault { return burst(failed(at), times) })
}

// undoesLong: a compensation that may go on for ever fails until so many of its waits
// were in wide bands that waits twice as long would show, even on a busy machine.
func (e *ending) undoesLong(s saga.Step) bool {
	const waits, wide, most = 30, 150 * time.Millisecond, 50
	if s.Compensation == nil || s.Compensation.Retry.Most() > 0 || s.Compensation.Breaker != nil || s.Compensation.RetryBudget != nil {
		return false
	}
	n, found := 1, 0
	for ; n < most && found < waits; n++ {
		if lo, hi := s.Compensation.Retry.Band(n + 1); hi-lo >= wide {
			found++
		}
	}
	at := saga.FailurePoint{Step: s.Name, Direction: saga.Compensation, Attempt: 1, Phase: saga.Receive}
	return found == waits && e.undoing(s, func([]faults.Fault) []faults.Fault { return burst(failed(at), n-1) })
}

// undoInOrder: the compensation of a later step fails, or is interrupted by a
// kill, while that of an earlier one has to wait for it.
func (e *ending) undoInOrder(s saga.Step) bool {
	earlier := slices.ContainsFunc(e.d.Ancestors(s.Name), func(name string) bool {
		o, _ := e.d.Step(name)
		return o.Compensation != nil
	})
	if !earlier || s.Kind == saga.Deferrable {
		return false
	}
	at := saga.FailurePoint{Step: s.Name, Direction: saga.Compensation, Attempt: 1, Phase: saga.Receive}
	done := e.undoing(s, func([]faults.Fault) []faults.Fault { return []faults.Fault{failed(at)} })
	if done && e.a.Process && !e.contested() {
		e.undoing(s, func([]faults.Fault) []faults.Fault {
			return []faults.Fault{killed(at, s.Compensation.Retry)}
		})
	}
	return done
}

// killedUnsent: a step's action has been asked for, and the process is killed before anything is
// done or said. Who takes what was meant for what was done never does it.
func (e *ending) killedUnsent(s saga.Step) bool {
	p := s.Action.Retry
	return e.a.Process && !e.contested() && p.Most() != 1 && e.add(unsent(point(s.Name, 1, saga.Receive), p)...)
}

// undoKilledUnsent is killedUnsent of a compensation.
func (e *ending) undoKilledUnsent(s saga.Step) bool {
	at := saga.FailurePoint{Step: s.Name, Direction: saga.Compensation, Attempt: 1, Phase: saga.Receive}
	return e.a.Process && !e.contested() && e.undoing(s, func([]faults.Fault) []faults.Fault { return unsent(at, s.Compensation.Retry) })
}

// unsent are a kill at an attempt, given where it is received, and that it does nothing. A kill
// alone leaves the call to the participant, which does it.
func unsent(at saga.FailurePoint, p saga.RetryPolicy) []faults.Fault {
	kill := at
	kill.Phase = saga.Response
	return []faults.Fault{unavailable(at), killed(kill, p)}
}

// longAlone: the first step is out of reach for so long that each saga waits for
// it many times.
func (e *ending) longAlone() {
	const lasts, many = 700, 10 // ms, attempts
	p := e.d.Steps[0].Action.Retry
	if e.sagas == 1 || p.Most() > 0 && p.Most() < many {
		return
	}
	e.add(away(e.d.Steps[0].Name, lasts))
}
