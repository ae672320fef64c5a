package planning

import (
	"testing"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/scenarios"
)

// An attempt that a kill cut short may be made again, beyond the policy: nobody can
// count on the compensation of a step whose only attempt it was.
func TestAKillMayUseUpNoAttempt(t *testing.T) {
	s, err := scenarios.Match("booking")
	if err != nil {
		t.Fatal(err)
	}
	d := sagasOf(s[0])[0]
	undo := faults.Fault{Kind: "slow", At: saga.FailurePoint{Step: "payment", Direction: saga.Compensation, Attempt: 1, Phase: saga.Response}, KBps: 4}
	for kind, want := range map[string]bool{"reset": true, "crash-orchestrator": false} {
		at := point("payment", 1, saga.Response)
		if got := predict(d, faults.Plan{Faults: []faults.Fault{{Kind: kind, At: at}, undo}}, 1).sure(); got != want {
			t.Errorf("%s at %s, then %s: sure %v, want %v", kind, at, undo, got, want)
		}
	}
}

// Where the undo of a step that gives way is refused for good the saga stops there: nobody can count
// on the compensations before it.
func TestAStepThatCantGiveWayStopsTheSaga(t *testing.T) {
	s, err := scenarios.Match("way-round")
	if err != nil {
		t.Fatal(err)
	}
	d := sagasOf(s[0])[0]
	charge, _ := d.Step("charge")
	undo := saga.FailurePoint{Step: "charge", Direction: saga.Compensation, Attempt: 1, Phase: saga.Receive}
	before := undo
	before.Step = "reserve"
	stops := append(burst(lost(point("charge", 1, saga.Response)), charge.Action.Retry.MaxAttempts), declined(undo))
	if pr := predict(d, faults.Plan{Faults: stops}, 1); !pr.sure() || pr.ends() {
		t.Errorf("%s refused: sure %v, ends %v; want a saga that surely stops for a person", undo, pr.sure(), pr.ends())
	}
	if predict(d, faults.Plan{Faults: append(stops, unavailable(before))}, 1).sure() {
		t.Errorf("%s counts as reached", before)
	}
}

// The wait that a lost answer asked for is not waited for: nobody can count on the deadline passing in it.
func TestALostAnswerAsksForNoWait(t *testing.T) {
	s, err := scenarios.Match("booking")
	if err != nil {
		t.Fatal(err)
	}
	d := sagasOf(s[0])[0]
	i := d.StepIndex("car")
	d.Steps[i].Action.Retry.DeadlineMS = 2 * d.Steps[i].Action.Retry.AttemptTimeoutMS
	throttled := faults.Fault{Kind: "throttle", At: point("car", 1, saga.Receive), RetryAfterS: 5}
	undo := faults.Fault{Kind: "slow", At: saga.FailurePoint{Step: "flight", Direction: saga.Compensation, Attempt: 1, Phase: saga.Response}, KBps: 4}
	if !predict(d, faults.Plan{Faults: []faults.Fault{throttled, undo}}, 1).sure() {
		t.Error("the wait that an answer asks for does not count")
	}
	if predict(d, faults.Plan{Faults: []faults.Fault{throttled, lost(point("car", 1, saga.Response)), undo}}, 1).sure() {
		t.Error("the wait that a lost answer asked for counts")
	}
}
