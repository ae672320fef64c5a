package planning

import (
	"slices"
	"testing"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/scenarios"
)

// The process is killed in a repair where there are repairs and a process: with the key remembered and not, before and
// after the compensation is done once more.
func TestKilledInRepair(t *testing.T) {
	s, err := scenarios.Match("booking")
	if err != nil {
		t.Fatal(err)
	}
	defs := sagasOf(s[0])
	inRepair := func(p faults.Plan) bool {
		back := slices.ContainsFunc(p.Faults, func(f faults.Fault) bool { return f.Kind == "drift" })
		return back && slices.ContainsFunc(p.Faults, func(f faults.Fault) bool {
			return f.Kind == "crash-orchestrator" && f.At.Direction == saga.Compensation && f.At.Attempt == 2
		})
	}
	for _, tt := range []struct {
		a    Ability
		want int
	}{
		{Ability{Process: true, Reconciles: true, Repairs: true}, 4},
		{Ability{Process: true, Reconciles: true}, 0},
		{Ability{Reconciles: true, Repairs: true}, 0},
	} {
		n := 0
		for _, p := range Curated(defs, tt.a) {
			if inRepair(p) {
				n++
			}
		}
		if n != tt.want {
			t.Errorf("%+v: %d plans kill it in a repair, want %d", tt.a, n, tt.want)
		}
	}
}
