package planning

import (
	"slices"
	"testing"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/scenarios"
)

// TestWhatAFirstFailureDoesNotShow: a kill in the midst of retries, or before them, and failures that go on for long.
func TestWhatAFirstFailureDoesNotShow(t *testing.T) {
	for _, c := range []struct{ scenario, plan string }{
		{"order", "unavailable reserve#1@receive, crash-orchestrator reserve#2@receive, unavailable reserve#3@receive"},
		{"order", "crash-orchestrator reserve#1@receive, unavailable charge#1@receive"},
		{"order", "reject charge#1@receive, error reserve.undo#1@receive, unavailable reserve.undo#2@receive, crash-orchestrator reserve.undo#2@response"},
		{"order-status", "unavailable pack#1@receive, unavailable pack#2@receive, unavailable pack#3@receive, unavailable pack#4@receive, unavailable pack#5@receive, crash-orchestrator pack#5@response"},
		{"order", "throttle reserve#1@receive, orchestrator-outage from 300ms for 60ms"},
		{"order", "crash-orchestrator reserve#1@receive, crash-orchestrator charge#1@receive"},
		{"order-status", often("deliver")},
		{"order", often("notify")},
	} {
		found, err := scenarios.Match(c.scenario)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(Curated(sagasOf(found[0]), able), func(p faults.Plan) bool { return p.String() == c.plan }) {
			t.Errorf("%s: no plan is %s", c.scenario, c.plan)
		}
	}
}

// often is a plan of nine failures in a row.
func often(step string) string { return faults.Plan{Faults: burst(unavailableAt(step), 9)}.String() }
