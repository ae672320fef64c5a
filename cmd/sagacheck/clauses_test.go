package main

import (
	"fmt"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/scenarios"
)

// TestCuratedPlansReachEveryClause: in each scenario the curated plans make an
// opportunity for every clause of every property that its shape and the reference
// executor allow. Whether it could be judged is up to the machine: where it could not,
// the run itself is not green.
func TestCuratedPlansReachEveryClause(t *testing.T) {
	unreached := unreachedClauses(t)
	for _, s := range scenarios.All() {
		clauses, ran := unreached[s.Name]
		if ran && len(clauses) == 0 {
			continue
		}
		t.Run(s.Name, func(t *testing.T) { // by itself: beside all others a machine is busy, and less is certain
			for _, clause := range unreachedClauses(t, "--scenario", s.Name)[s.Name] {
				t.Errorf("%s: no cell had an opportunity", clause)
			}
		})
	}
}

// unreachedClauses are those for which no cell of a run had an opportunity, by the scenarios that ran.
func unreachedClauses(t *testing.T, args ...string) map[string][]string {
	t.Helper()
	_, report, output := command(t, append([]string{"run", "--runs", "0"}, args...)...)
	if n := report.Totals; n.Cells == 0 || n.Errors > 0 {
		t.Fatalf("%+v\n%s", n, output)
	}
	unreached := map[string][]string{}
	for _, r := range report.Results {
		clauses := unreached[r.Scenario]
		for _, c := range r.Clauses {
			if c.Open() && c.Unjudgeable == 0 && !advice(t, r.Property) {
				clauses = append(clauses, fmt.Sprintf("%s: %s/%s", r.Scenario, r.Property, c.Clause))
			}
		}
		unreached[r.Scenario] = clauses
	}
	return unreached
}

func advice(t *testing.T, property string) bool {
	t.Helper()
	k, ok := checkers.ByName(property)
	if !ok {
		t.Fatalf("no checker is called %q", property)
	}
	return k.Doc().Advice
}
