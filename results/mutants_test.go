package results_test

import (
	"strings"
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

// A search that was interrupted says nothing: that another's checker was the first to see the
// defect neither.
func TestInterruptedSearch(t *testing.T) {
	d := results.Defect{Name: "late-status", Anomaly: "false-status", Kills: map[string]int{"not-linearizable": 1}}
	if d.Fate() != results.Unfinished {
		t.Error(d.Fate())
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

func TestRatio(t *testing.T) {
	spread := results.NewSpread
	for name, tc := range map[string]struct {
		d       results.Defect
		ratio   float64
		atLeast bool
	}{
		"found by chance too":         {results.Defect{Runs: spread([]int{2}, 0, 100), Baseline: spread([]int{8}, 0, 100)}, 4, false},
		"chance gave up":              {results.Defect{Runs: spread([]int{2}, 0, 100), Baseline: spread(nil, 1, 100)}, 50, true},
		"not found":                   {results.Defect{Runs: spread(nil, 1, 100), Baseline: spread([]int{8}, 0, 100)}, 0, false},
		"measured without the chance": {results.Defect{Runs: spread([]int{2}, 0, 100)}, 0, false},
	} {
		if ratio, atLeast := tc.d.Ratio(); ratio != tc.ratio || atLeast != tc.atLeast {
			t.Errorf("%s: got %v %v, want %v %v", name, ratio, atLeast, tc.ratio, tc.atLeast)
		}
	}
}

// A defect's own checker is named first, then those that saw it most.
func TestKillers(t *testing.T) {
	d := results.Defect{Anomaly: "own", Kills: map[string]int{"few": 1, "own": 1, "none": 0, "many": 9}}
	if got := strings.Join(d.Killers(), " "); got != "own many few" {
		t.Errorf("got %q", got)
	}
}
