package planning

import (
	"slices"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// killsBetweenPolls are a kill, for a moment, in the wait for a service that has taken a call and is asked what became of it:
// one for each such call, on the first journey that has it and asks on. Who has its timer in memory alone asks no more. Of
// several instances of a step the first stands for all.
func killsBetweenPolls(d saga.Definition, journeys []Journey) (plans []faults.Plan) {
	known := map[saga.StepRef]bool{}
	for _, j := range journeys {
		for i, v := range j.Trace.Visits {
			call := v.At.Ref()
			call.Step, _ = saga.CutInstance(call.Step)
			if v.Saga != 0 || v.Seq <= j.Trace.Last || v.At.Attempt != 1 || v.At.Phase != saga.Response || known[call] || !polled(d, call) {
				continue
			}
			if slices.ContainsFunc(j.Trace.Visits[i:], func(v Visit) bool { return v.Saga == 0 && v.Read }) {
				known[call] = true
				plans = append(plans, j.and(killedWaiting(v.At, moment)))
			}
		}
	}
	return plans
}

// polled tells whether a service says only later, and when it is asked, what became of a call.
func polled(d saga.Definition, call saga.StepRef) bool {
	call.Part = 0
	return slices.Contains(d.Polled, call.String())
}

// PollsAway are the plans that follow from journeys on which was asked what became of a call that a service had taken: the
// question fails for as long as most workflows ask. One for each question, on the first journey that has it.
func PollsAway(d saga.Definition, journeys []Journey) (plans []faults.Plan) {
	if len(d.Polled) == 0 {
		return nil
	}
	known := map[string]bool{}
	for _, j := range journeys {
		for _, v := range j.Trace.Visits {
			if v.Read && v.Saga == 0 && v.Seq > j.Trace.Last && v.At.Attempt == 1 && !known[v.At.Step] && !j.raced(v) {
				known[v.At.Step] = true
				plans = append(plans, j.and(away(v.At.Step, outlasts)))
			}
		}
	}
	return plans
}
