package planning

import (
	"slices"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// TestOnward: a call that is sent again when nobody answers is left without an answer until its
// caller has had enough, where that does not take too long.
func TestOnward(t *testing.T) {
	d := saga.Definition{ID: "s1", Steps: []saga.Step{{Name: "charge", Action: saga.Call{Retry: saga.RetryPolicy{AttemptTimeoutMS: 1000}}}}}
	longest := func(able Ability) int {
		most := 0
		Onward(d, able, func(plans []faults.Plan) (seen []Journey) {
			for _, p := range plans {
				if inARow(p.Faults, unheard) && p.Faults[0].Kind == "lose" {
					most = max(most, len(p.Faults))
					visits := []Visit{}
					for n := range min(len(p.Faults)+1, 3) { // it is sent three times
						visits = append(visits, Visit{At: point("charge", n+1, saga.Response)})
					}
					seen = append(seen, Journey{Plan: p, Trace: Trace{Visits: visits}})
				}
			}
			return slices.Clip(seen)
		})
		return most
	}
	if n := longest(Ability{}); n != 3 {
		t.Errorf("%d answers in a row were lost: expected 3, as often as it was sent", n)
	}
	if n := longest(Ability{Silence: 2 * time.Second}); n != 2 {
		t.Errorf("%d answers in a row were lost: expected 2, for which it waits 2s", n)
	}
}
