package results_test

import (
	"testing"

	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/results"
)

func TestMutants(t *testing.T) {
	r := samples.Section("mutants")
	r.Mutants = samples.AllKilled()
	r.Judge()
	if r.Summary.Exit != 0 {
		t.Errorf("all killed: %+v", r.Summary)
	}
	r.Mutants.Defects = append(r.Mutants.Defects, samples.Survivors()...)
	r.Judge()
	if r.Summary.Exit != 1 || len(r.Summary.Reasons) != 4 {
		t.Errorf("a survivor: %+v", r.Summary)
	}
}

func TestSpread(t *testing.T) {
	for _, tc := range []struct {
		runs        []int
		gaveUp      int
		median, p95 float64
	}{
		{[]int{5}, 0, 5, 5},
		{[]int{4, 2}, 0, 3, 4},
		{[]int{1, 2, 3}, 2, 3, 100},
		{nil, 0, 0, 0},
		{[]int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}, 0, 10.5, 19},
	} {
		s := results.NewSpread(tc.runs, tc.gaveUp, 100)
		if s.Median != tc.median || s.P95 != tc.p95 || s.Tries != len(tc.runs)+tc.gaveUp {
			t.Errorf("%v: got %+v", tc.runs, s)
		}
	}
}
