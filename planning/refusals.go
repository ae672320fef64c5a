package planning

import (
	"math/bits"
	"net/http"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// Refusals are the plans that follow from journeys on which a step was attempted again: its
// second attempt is refused, and whether the first one came through only a read-back tells.
// It was lost on its way, and a rule of the business refuses; or its answer was, and who
// refuses is a gateway, which has not looked for what was done, where the workflow says that it
// takes such an answer for the last word. Where nobody can ask, the first one may also come
// through after that (heardOfOne).
func Refusals(d saga.Definition, journeys []Journey, a Ability) []faults.Plan {
	var plans []faults.Plan
	for _, s := range d.Steps {
		again := point(s.Name, 2, saga.Receive)
		if !slices.ContainsFunc(journeys, func(j Journey) bool { return j.Trace.passed(again) }) {
			continue
		}
		plans = append(plans, faults.Plan{Faults: []faults.Fault{lost(point(s.Name, 1, saga.Request)), declined(again)}})
		if code := a.gatewayRefuses(s.Name); code != 0 {
			plans = append(plans, faults.Plan{Faults: []faults.Fault{lost(point(s.Name, 1, saga.Response)), answered(again, code)}})
		}
		if delay := 2 * untilAgain(journeys, s.Name); delay > 0 && len(d.Reads) == 0 && a.heardOfOne(s.Name) && !a.beyondPatience(delay) {
			first := late(point(s.Name, 1, saga.Request), int(delay.Milliseconds()))
			plans = append(plans, faults.Plan{Faults: []faults.Fault{first, declined(again)}})
		}
	}
	return append(plans, refusedWhenTired(journeys)...)
}

// heardOfOne tells whether the refusal of an attempt at a step says nothing of another one, by what is known of its
// service, and a workflow can undo it without any answer to it.
func (a Ability) heardOfOne(name string) bool {
	step, _ := saga.CutInstance(name)
	return a.DecidesAnew[step] && a.Promises[step].OwnName
}

// untilAgain is after how long a step is attempted a second time when the first answer is lost, rounded up so that
// the same plans follow in every run; 0: it is not known.
func untilAgain(journeys []Journey, step string) time.Duration {
	for _, j := range journeys {
		if !j.Plan.Loses(point(step, 1, saga.Response)) {
			continue
		}
		for _, v := range j.Trace.Visits {
			if v.Saga == 0 && v.At == point(step, 2, saga.Request) && v.Since > 0 {
				return time.Millisecond << bits.Len64(uint64(v.Since.Milliseconds()))
			}
		}
	}
	return 0
}

// refusedWhenTired are the plans that follow from journeys on which several answers to a step were lost in a row and it was
// sent again all the same: then it is refused, and the others were lost on their way. Somewhere in between a workflow may
// have begun anew, and forgotten that it had asked.
func refusedWhenTired(journeys []Journey) []faults.Plan {
	var plans []faults.Plan
	for _, j := range journeys {
		n := len(j.Plan.Faults)
		if n < 2 || !inARow(j.Plan.Faults, unheard) {
			continue
		}
		first := j.Plan.Faults[0].At
		again := point(first.Step, n+1, saga.Receive)
		if first.Direction == saga.Action && j.Trace.passed(again) {
			plans = append(plans, faults.Plan{Faults: append(burst(lost(point(first.Step, 1, saga.Request)), n), declined(again))})
		}
	}
	return plans
}

// gatewayRefuses is the code with which who stands in front of a service refuses an action for
// good, by the workflow's promises; 0: there is none.
func (a Ability) gatewayRefuses(name string) int {
	step, _ := saga.CutInstance(name)
	for _, code := range a.Promises[step].Permanent {
		if code == http.StatusForbidden || code == http.StatusUnauthorized {
			return code
		}
	}
	return 0
}

// MostRefusals is how often a call is refused at the most, where a workflow sends it again and
// again.
const MostRefusals = 6

// RefusedAgain are the plans that follow from journeys on which a step was refused n-1 times
// and sent again all the same: it is refused n times. Otherwise nobody would see what a
// workflow does that takes a refusal for the last word only when it has had enough of them.
func RefusedAgain(journeys []Journey, n int) []faults.Plan {
	return onceMore(journeys, n, func(f faults.Fault) bool { return decided(f.Injection(0)) })
}
