package planning

import (
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// Onward runs the ways that the saga of a workflow may go, each sort of which follows from those
// before it. run runs plans, and tells where those led on which all went as planned; so does
// Onward, of all of them.
func Onward(d saga.Definition, able Ability, run func([]faults.Plan) []Journey) []Journey {
	seen := run(Journeys(d))
	onward := func(plans []faults.Plan) { seen = append(seen, run(plans)...) }
	for n := 2; n <= MostRefusals; n++ {
		onward(RefusedAgain(seen, n))
	}
	for n := 1; n <= MostUnheard; n++ {
		onward(slices.DeleteFunc(slices.Concat(Unheard(seen, n), Unreached(seen, n)), func(p faults.Plan) bool { return able.tooLong(d, p) }))
	}
	for n := 1; n <= MostSilenced; n++ {
		onward(Silenced(seen, n))
	}
	onward(slices.Concat(Refusals(d, seen, able), Unreadable(seen)))
	onward(RefusedBehind(seen))
	onward(PollsAway(d, seen))
	return seen
}

// tooLong tells whether a caller waits longer for the answers that a plan loses than anybody
// waits for a cell.
func (a Ability) tooLong(d saga.Definition, p faults.Plan) bool {
	each := policyOf(d, p.Faults[len(p.Faults)-1].At).ShortestTimeout()
	return a.beyondPatience(time.Duration(len(p.Faults)) * each)
}

// beyondPatience tells whether a call takes longer than anybody waits for a cell.
func (a Ability) beyondPatience(d time.Duration) bool { return a.Silence > 0 && d > a.Silence }
