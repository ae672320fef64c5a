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

// Of an answer that ends after its status the status may be taken as it is: nobody can count on another attempt, nor, where it
// is a refusal, on its being heard.
func TestACutStatusMayBeHeard(t *testing.T) {
	s, err := scenarios.Match("order")
	if err != nil {
		t.Fatal(err)
	}
	d := sagasOf(s[0])[0]
	cut := func(step string, attempt, bytes int) faults.Fault {
		return faults.Fault{Kind: "truncate", At: point(step, attempt, saga.Response), Bytes: bytes}
	}
	refusal := answered(point("reserve", 2, saga.Receive), 403)
	for _, c := range []struct {
		name   string
		faults []faults.Fault
		sure   bool
	}{
		{"a success cut within its status, and another attempt", []faults.Fault{cut("charge", 1, 11), unavailable(point("charge", 2, saga.Receive))}, true},
		{"a success cut behind it, and another attempt", []faults.Fault{cut("charge", 1, 12), unavailable(point("charge", 2, saga.Receive))}, false},
		{"a success cut behind it, and the next step", []faults.Fault{cut("charge", 1, 74), unavailable(point("ship", 1, saga.Receive))}, true},
		{"a failure cut behind it, and another attempt", []faults.Fault{failed(point("charge", 1, saga.Commit)), cut("charge", 1, 12), unavailable(point("charge", 2, saga.Receive))}, true},
		{"a refusal cut within its status, and the next step", []faults.Fault{failed(point("reserve", 1, saga.Commit)), refusal, cut("reserve", 2, 11), failed(point("notify", 1, saga.Commit))}, true},
		{"a refusal cut behind it, and the next step", []faults.Fault{failed(point("reserve", 1, saga.Commit)), refusal, cut("reserve", 2, 12), failed(point("notify", 1, saga.Commit))}, false},
	} {
		if got := predict(d, faults.Plan{Faults: c.faults}, 1).sure(); got != c.sure {
			t.Errorf("%s: sure %t, want %t", c.name, got, c.sure)
		}
	}
}
