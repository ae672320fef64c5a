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

// TestUnreached: a compensation that is sent again when nobody answers is lost on its way until its caller has had enough.
func TestUnreached(t *testing.T) {
	declinedShip := faults.Plan{Faults: []faults.Fault{declined(point("ship", 1, saga.Receive))}}
	undo := func(n int) saga.FailurePoint {
		return saga.FailurePoint{Step: "charge", Direction: saga.Compensation, Attempt: n, Phase: saga.Request}
	}
	led := func(p faults.Plan) Journey { // it is sent three times
		visits := []Visit{{At: point("ship", 1, saga.Connect)}, {At: point("charge", 1, saga.Request)}}
		for n := range min(len(p.Faults), 3) {
			visits = append(visits, Visit{At: undo(n + 1)})
		}
		return Journey{Plan: p, Trace: Trace{Visits: visits}}
	}
	calm := Journey{Trace: Trace{Visits: []Visit{{At: undo(1)}}}}
	journeys := []Journey{calm, led(declinedShip), led(declinedShip)}
	for n := 1; n <= 4; n++ {
		plans := Unreached(journeys, n)
		if want := min(1, 4-n); len(plans) != want {
			t.Fatalf("%d plans with %d lost requests: expected %d", len(plans), n, want)
		}
		if n == 4 {
			continue
		}
		if last := plans[0].Faults[n]; len(plans[0].Faults) != n+1 || last.At != undo(n) || !undoLost(last) {
			t.Errorf("with %d lost requests: %s", n, plans[0])
		}
		journeys = append(journeys, led(plans[0]))
	}
}
