package results_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sagacheck/sagacheck/results"
)

// A run shows a finding if it broke its property, with its plan: another property that one cause broke beside it once is
// followed by itself when it outlasts that, and so is a larger plan when the finding's own was run and held.
func TestTrendComparesTheProperty(t *testing.T) {
	dir := t.TempDir()
	for i, cells := range [][][2]string{
		{{"lose a", "duplicate-effect lost-compensation"}, {"lose a, lose b", "duplicate-effect"}},
		{{"lose a", "lost-compensation"}, {"lose a, lose b", ""}},
		{{"lose a", ""}, {"lose a, lose b", "duplicate-effect"}},
	} {
		r := cellsOf(t, cells...)
		r.Started = r.Started.AddDate(0, 0, i)
		store(t, r, fmt.Sprint(dir, "/", i))
	}
	trend, err := results.LoadTrend(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range trend.Findings {
		got[f.Property+": "+f.Plan] = fmt.Sprintf("day %s to %s, %d of %d, open: %t", f.First.Format("2"), f.Last.Format("2"), f.Runs, f.Asked, f.Open)
	}
	if diff := cmp.Diff(map[string]string{
		"duplicate-effect: lose a":         "day 1 to 1, 1 of 3, open: false",
		"lost-compensation: lose a":        "day 1 to 2, 2 of 3, open: false",
		"duplicate-effect: lose a, lose b": "day 3 to 3, 1 of 1, open: true",
	}, got); diff != "" {
		t.Error(diff)
	}
}
