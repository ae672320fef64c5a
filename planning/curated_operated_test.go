package planning

import (
	"slices"
	"testing"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/scenarios"
)

// TestRollbackInAWait: an operator asks for the rollback while nothing of the saga is under way.
func TestRollbackInAWait(t *testing.T) {
	for scenario, plan := range map[string]string{
		"order": "throttle reserve#1@receive, ask-rollback reserve#1@receive",
	} {
		found, err := scenarios.Match(scenario)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(Curated(sagasOf(found[0]), able), func(p faults.Plan) bool {
			return p.String() == plan && p.Faults[1].DelayMS == waitedFor
		}) {
			t.Errorf("%s: no plan is %s", scenario, plan)
		}
	}
}
