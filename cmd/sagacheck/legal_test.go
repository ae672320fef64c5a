package main

import (
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/sagacheck/sagacheck/internal/tinyorch"
)

// What the contract leaves open turns no verdict: each habit of right
// orchestrators is run under a share of the curated plans, which is another for
// each. The soak test draws plans for them.
func TestLegalHabitsTurnNoVerdict(t *testing.T) {
	const shares = 6
	for i, h := range tinyorch.AllHabits() {
		t.Run(h.Name, func(t *testing.T) {
			t.Parallel()
			_, report, output := command(t, "run", "--orchestrator", attachHabit(t, h), "--scenario", "order", "--scenario", "fan-out",
				"--runs", "0", "--shard", fmt.Sprintf("%d/%d", i%shares+1, shares))
			n := report.Totals
			if n.Cells < 20 || n.Violated+n.Inconclusive+n.Vacuous+n.Errors > 0 {
				t.Errorf("%+v\n%s", n, output)
			}
		})
	}
}

func attachHabit(t *testing.T, h tinyorch.Habits) string {
	t.Helper()
	o := tinyorch.WithHabits(h)
	t.Cleanup(o.Close)
	s := httptest.NewServer(o)
	t.Cleanup(s.Close)
	return s.URL
}
