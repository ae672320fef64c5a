package simulation_test

import (
	"slices"
	"testing"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/scenarios"
)

// An operator who was to ask when the cell is over does not: nobody may be excused by that.
func TestNobodyAsksAfterTheEnd(t *testing.T) {
	found, err := scenarios.Match("order")
	if err != nil {
		t.Fatal(err)
	}
	for later, want := range map[int]bool{10: true, 60000: false} {
		plan := faults.Plan{Faults: []faults.Fault{{
			Kind: "ask-rollback", DelayMS: later, At: saga.FailurePoint{Step: "reserve", Direction: saga.Action, Attempt: 1, Phase: saga.Receive},
		}}}
		h := experiment{scenario: found[0], plan: plan, profile: participants.Fenced, seed: 1}.run(t)
		if asked := slices.ContainsFunc(h.Events, func(e history.Event) bool { return e.Kind == history.SagaOperator }); asked != want {
			t.Errorf("%d ms later: asked is %t, expected %t", later, asked, want)
		}
	}
}
