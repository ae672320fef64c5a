package planning

import (
	"testing"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// TestSpecialIsWhatEnumerationLacks: a plan of one fault at a point is enumerated, unless its Retry-After is a date.
func TestSpecialIsWhatEnumerationLacks(t *testing.T) {
	usual := answered(point("charge", 1, saga.Receive), 503)
	date := usual
	date.RetryAfterS, date.RetryAfterDate = 1, true
	s := &exploredSpace{plans: map[string]bool{}, Space: Space{Plans: []faults.Plan{{}, {Faults: []faults.Fault{usual}}, {Faults: []faults.Fault{date}}, {Faults: []faults.Fault{usual, date}}}}}
	var got []string
	for _, p := range s.special() {
		got = append(got, p.Plan.String())
	}
	if len(got) != 2 || got[0] != (faults.Plan{Faults: []faults.Fault{date}}).String() {
		t.Errorf("%q, expected the date, and the two faults", got)
	}
	like := newLikeness([]saga.Definition{{Steps: []saga.Step{{Name: "charge", Kind: saga.Compensatable}}}})
	seen := map[uint64]bool{}
	for _, x := range like.traits(faults.Plan{Faults: []faults.Fault{usual}}) {
		seen[x.hash] = true
	}
	for _, x := range like.traits(faults.Plan{Faults: []faults.Fault{date}}) {
		if !seen[x.hash] {
			return
		}
	}
	t.Error("a date is like no Retry-After at all: it would be left out as telling nothing")
}
