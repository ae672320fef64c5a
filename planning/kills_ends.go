package planning

import (
	"slices"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// killsWhenGivenUp are a kill at the first undo, before it is done, on the journeys on which a step was given up that no rule of the
// business refused: who forgets with the process what he never heard of does not undo it. Of several journeys of a step, and of its
// instances, the first stands for all.
func killsWhenGivenUp(journeys []Journey, a Ability) (plans []faults.Plan) {
	known := map[string]bool{}
	for _, j := range journeys {
		step := j.deprived()
		i := slices.IndexFunc(j.Trace.Visits, func(v Visit) bool {
			return mayKill(v, a) && v.Seq > j.Trace.Last && v.At.Direction == saga.Compensation && v.At.Attempt == 1 && v.At.Phase == saga.Response
		})
		if i < 0 || known[step] || slices.ContainsFunc(j.Plan.Faults, refusal) {
			continue
		}
		known[step] = true
		before, kill := j.Trace.Visits[i].At, killedFor(j.Trace.Visits[i].At, moment)
		before.Phase = saga.Receive
		plans = append(plans, j.and(unavailable(before), kill))
	}
	return plans
}

// deprived is the step whose first attempt a fault of a journey strikes, the first of them; none: nothing does.
func (j Journey) deprived() string {
	if len(j.Plan.Faults) == 0 {
		return ""
	}
	f := j.Plan.Faults[0]
	step := f.At.Step
	if f.At.IsZero() && len(f.Steps) > 0 {
		step = f.Steps[0]
	}
	step, _ = saga.CutCallback(step)
	step, _ = saga.CutInstance(step)
	return step
}

// killsWhenEnded are a kill when the saga of a journey has ended: it is asked for once more then.
func killsWhenEnded(journeys []Journey) (plans []faults.Plan) {
	for _, j := range journeys {
		if kill := killedAtEnd(); j.Trace.passed(kill.At) {
			plans = append(plans, j.and(kill))
		}
	}
	return plans
}

// putOff are the journeys on which the service of a deferrable step was out of reach: who leaves the step for later may forget that
// with the process.
func putOff(d saga.Definition, journeys []Journey) []Journey {
	return slices.DeleteFunc(slices.Clone(journeys), func(j Journey) bool {
		fs := j.Plan.Faults
		return len(fs) != 1 || !fs[0].At.IsZero() || len(fs[0].Steps) != 1 || kindOf(d, fs[0].Steps[0]) != saga.Deferrable
	})
}

// lastTryKilled are the plans that lose the first attempts at a call of which only so many are promised, on journeys that show
// that it is sent again, and kill at the last but one, which is not done. Who counts anew after a kill goes on.
func lastTryKilled(d saga.Definition, journeys []Journey) (plans []faults.Plan) {
	known := map[saga.StepRef]bool{}
	for _, j := range journeys {
		fs := j.onward()
		if !inARow(fs, unheard) || len(fs) != policyOf(d, fs[0].At).Most()-2 || !j.sentAgain() {
			continue
		}
		before, call := j.Plan.Faults[:len(j.Plan.Faults)-len(fs)], fs[0].At
		call.Step, _ = saga.CutInstance(call.Step)
		if known[call.Ref()] {
			continue
		}
		known[call.Ref()] = true
		first, at := fs[0].At, fs[0].At
		first.Phase = saga.Request
		at.Attempt, at.Phase = len(fs)+1, saga.Receive
		plans = append(plans, faults.Plan{Faults: slices.Concat(before, burst(lost(first), len(fs)), unsent(at, policyOf(d, at)))})
	}
	return plans
}

// lostBehindKill are the plans that follow from journeys on which a call was killed and sent again: the attempt behind all that
// strikes it is lost, too.
func lostBehindKill(journeys []Journey) (plans []faults.Plan) {
	for _, j := range journeys {
		next := j.Plan.Faults[len(j.Plan.Faults)-1].At
		next.Attempt, next.Phase = next.Attempt+1, saga.Request
		if j.Trace.passed(next) {
			plans = append(plans, j.and(lost(next)))
		}
	}
	return plans
}
