package planning

import (
	"slices"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// killsWhenGivenUp are a kill at the first undo, before it is done, on the journeys on which a step was given up that nobody
// had refused: who forgets with the process what he never heard of does not undo it. Of several journeys of a step, and of its
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
