package main

import (
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
)

// TestCuratedPlansReachEveryClause: in each scenario the curated plans put every
// clause of every property to the test that its shape and the reference executor
// allow. A clause that no cell could judge would be green for nothing.
func TestCuratedPlansReachEveryClause(t *testing.T) {
	_, report, output := command(t, "run", "--runs", "0")
	if n := report.Totals; n.Cells == 0 || n.Errors > 0 {
		t.Fatalf("%+v\n%s", n, output)
	}
	for _, r := range report.Results {
		if advice(t, r.Property) {
			continue
		}
		for _, c := range r.Clauses {
			if c.Open() {
				t.Errorf("%s: %s, clause %s: judged in no cell: %s", r.Scenario, r.Property, c.Clause, c.Why)
			}
		}
	}
}

func advice(t *testing.T, property string) bool {
	t.Helper()
	k, ok := checkers.ByName(property)
	if !ok {
		t.Fatalf("no checker is called %q", property)
	}
	return k.Doc().Advice
}
