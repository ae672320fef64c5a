package planning

import (
	"net/http"
	"slices"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// commonRefusals is how many of the permanent codes are crossed with everything; the
// others are given to first attempts of actions.
const commonRefusals = 4

// codes crosses the codes of answers with first and later attempts of actions and of
// compensations: that something is transient where one asks for it first says nothing
// about the next attempt, or about a compensation.
func (e *ending) codes() {
	for _, first := range []int{1, 2} {
		e.transientActions(first)
		e.transientUndos(first)
		for i, code := range faults.AnswerCodes(saga.Permanent)[:commonRefusals] {
			e.rotated(i+first, func(s saga.Step) bool { return e.add(preceded(answerAt(s.Name, saga.Action, first, code))...) })
			e.rotated(i+first, func(s saga.Step) bool { return e.refusedUndo(s, first, code) })
		}
	}
	for i, code := range faults.AnswerCodes(saga.Permanent)[commonRefusals:] {
		e.rotated(i, func(s saga.Step) bool { return e.add(answerAt(s.Name, saga.Action, 1, code)) })
	}
	for i, code := range faults.AnswerCodes(saga.Done) {
		e.rotated(i, func(s saga.Step) bool { return e.add(atCommit(answerAt(s.Name, saga.Action, 1, code))) })
		e.rotated(i, func(s saga.Step) bool { return e.doneUndo(s, code) })
	}
	for i, code := range faults.AnswerCodes(saga.Transient)[:5] { // those of which one may think that nothing was done
		e.rotated(i, func(s saga.Step) bool { return e.usedUpBy(s, code) })
	}
	// A Retry-After comes with codes for which nobody expects one, and as a date.
	for i, code := range []int{http.StatusBadGateway, http.StatusServiceUnavailable} {
		e.rotated(i, func(s saga.Step) bool {
			f := answerAt(s.Name, saga.Action, 1, code)
			f.RetryAfterS, f.RetryAfterDate = 1, i == 1
			return e.add(f)
		})
	}
}

// rotated tries the steps, from another one on each time, until one will do.
func (e *ending) rotated(from int, try func(s saga.Step) bool) {
	for k := range e.d.Steps {
		if try(e.d.Steps[(from+k)%len(e.d.Steps)]) {
			return
		}
	}
}

func answerAt(step string, d saga.Direction, attempt, code int) faults.Fault {
	at := saga.FailurePoint{Step: step, Direction: d, Attempt: attempt, Phase: saga.Receive}
	return answered(at, code)
}

func atCommit(f faults.Fault) faults.Fault {
	f.At.Phase = saga.Commit
	return f
}

// preceded puts a failure before a fault at a second attempt.
func preceded(f faults.Fault) []faults.Fault {
	if f.At.Attempt == 1 {
		return []faults.Fault{f}
	}
	before := unavailable(f.At)
	before.At.Attempt = 1
	return []faults.Fault{before, f}
}

// transientActions gives each transient code to an action at its first attempt, or at
// one after a failure.
func (e *ending) transientActions(first int) {
	e.plans = append(e.plans, e.packed(nil, e.d.Steps, saga.Action, first)...)
}

// transientUndos does so with compensations, by the trigger that takes the fewest plans.
func (e *ending) transientUndos(first int) {
	steps := slices.DeleteFunc(slices.Clone(e.d.Steps), func(s saga.Step) bool { return s.Compensation == nil })
	var best []faults.Plan
	for _, last := range steps {
		for _, trigger := range triggers(e.d, last, saga.Compensation) {
			if plans := e.packed(trigger, steps, saga.Compensation, first); best == nil || plans != nil && len(plans) < len(best) {
				best = plans
			}
		}
	}
	e.plans = append(e.plans, best...)
}

// packed makes plans that begin with a trigger and give each transient code to an
// attempt: to the first one, or to as many after a failure as the policy allows; as
// many in one plan as are sure. Nil: a code found no place.
func (e *ending) packed(trigger []faults.Fault, steps []saga.Step, d saga.Direction, first int) (plans []faults.Plan) {
	for left := faults.AnswerCodes(saga.Transient); len(left) > 0; {
		fs, plan, placed := slices.Clone(trigger), faults.Plan{}, 0
		for k := range steps {
			s := steps[(len(plans)+k)%len(steps)]
			for n := first; placed < len(left) && n <= e.mostCodes(saga.StepRef{Step: s.Name, Direction: d}, first); n++ {
				f := answerAt(s.Name, d, n, left[placed])
				more := append(slices.Clone(fs), f)
				if n == first {
					more = slices.Concat(fs, preceded(f))
				}
				p, ok := e.sure(more)
				if !ok {
					break
				}
				fs, plan = more, p
				placed++
			}
		}
		if placed == 0 {
			return nil
		}
		plans, left = append(plans, plan), left[placed:]
	}
	return plans
}

// mostCodes is up to which attempt of an operation codes are given: the last one
// that the policy allows is kept, so that it succeeds, and waits add up.
func (e *ending) mostCodes(of saga.StepRef, first int) int {
	call, _ := e.d.Call(of)
	switch most := call.Retry.Most(); {
	case first == 1:
		return 1
	case most > 0:
		return min(most-1, 6)
	}
	return 6
}

// refusedUndo: a compensation is refused for good, with that code.
func (e *ending) refusedUndo(s saga.Step, attempt, code int) bool {
	return s.Compensation != nil && e.undoing(s, func([]faults.Fault) []faults.Fault {
		return preceded(answerAt(s.Name, saga.Compensation, attempt, code))
	})
}

// doneUndo: a compensation is done, and says so with that code.
func (e *ending) doneUndo(s saga.Step, code int) bool {
	return s.Compensation != nil && e.undoing(s, func([]faults.Fault) []faults.Fault {
		return []faults.Fault{atCommit(answerAt(s.Name, saga.Compensation, 1, code))}
	})
}

// usedUpBy: an action was done, and all its attempts are answered with one transient
// code. It is to be undone: its outcome is unknown, whatever the code.
func (e *ending) usedUpBy(s saga.Step, code int) bool {
	most := s.Action.Retry.Most()
	if most == 0 || s.Compensation == nil || s.Kind == saga.Deferrable {
		return false
	}
	fs := burst(answerAt(s.Name, saga.Action, 1, code), most)
	fs[0] = atCommit(fs[0])
	return e.add(fs...)
}
