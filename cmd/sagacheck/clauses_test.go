package main

import (
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/scenarios"
)

// TestCuratedPlansReachEveryClause: in each scenario the curated plans make an
// opportunity for every clause of every property that its shape and the reference
// executor allow. Whether it could be judged is up to the machine: where it could not,
// the run itself is not green.
func TestCuratedPlansReachEveryClause(t *testing.T) {
	for _, s := range scenarios.All() {
		t.Run(s.Name, func(t *testing.T) { // one at a time: on a busy machine less is certain
			_, report, output := command(t, "run", "--runs", "0", "--scenario", s.Name)
			if n := report.Totals; n.Cells == 0 || n.Errors > 0 {
				t.Fatalf("%+v\n%s", n, output)
			}
			for _, r := range report.Results {
				for _, c := range r.Clauses {
					name := r.Scenario + ": " + r.Property + "/" + c.Clause
					if c.Open() && c.Unjudgeable == 0 && !advice(t, r.Property) {
						t.Errorf("%s: no cell had an opportunity", name)
					}
				}
			}
		})
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
