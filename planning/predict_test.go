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
