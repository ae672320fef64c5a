package planning

import (
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// LateArrivals are the plans that follow from journeys on which a step was undone of which
// nobody had heard, after several attempts: none of them arrives until then, and the last one
// does afterwards. A service that minds keys alone does it then, and nobody undoes it. With one
// attempt a delay of it shows that (AtPoints).
func LateArrivals(d saga.Definition, journeys []Journey) []faults.Plan {
	var plans []faults.Plan
	for _, j := range journeys {
		n := len(j.Plan.Faults)
		if n < 2 || !inARow(j.Plan.Faults, unheard) {
			continue
		}
		last := j.Plan.Faults[n-1].At
		undo, next := last, last
		undo.Direction, undo.Attempt, undo.Phase = saga.Compensation, 1, saga.Receive
		next.Attempt, next.Phase = n+1, saga.Connect
		if last.Direction != saga.Action || !j.Trace.passed(undo) || j.Trace.passed(next) {
			continue
		}
		var p faults.Plan
		for _, f := range j.Plan.Faults {
			f.At.Phase = saga.Request
			p.Faults = append(p.Faults, f)
		}
		last.Phase = saga.Request
		p.Faults[n-1] = late(last, faults.LateBy(policyOf(d, last)))
		plans = append(plans, p)
	}
	return plans
}
