package planning

import (
	"slices"
	"testing"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/scenarios"
)

// TestRollbackInAWait: an operator asks for the rollback while nothing of the saga is under way.
func TestRollbackInAWait(t *testing.T) {
	found, err := scenarios.Match("order")
	if err != nil {
		t.Fatal(err)
	}
	const plan = "throttle reserve#1@receive, ask-rollback reserve#1@receive"
	if !slices.ContainsFunc(Curated(sagasOf(found[0]), able), func(p faults.Plan) bool {
		return p.String() == plan && p.Faults[1].DelayMS == waitedFor
	}) {
		t.Errorf("no plan is %s", plan)
	}
}
