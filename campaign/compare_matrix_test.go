package campaign

import (
	"testing"

	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/results"
)

// TestAComparisonCountsEvents: those of all its runs were judged, though it has no cells of its own.
func TestAComparisonCountsEvents(t *testing.T) {
	one, other := samples.Red(), samples.Red()
	other.Profile = "keyed"
	c := &comparison{runs: []*results.Run{one, other}, rows: make([]contender, 1)}
	c.options.Profiles = []string{one.Profile, other.Profile}
	want := one.Totals.Events + other.Totals.Events
	if got := c.finish(t.Context()).Totals.Events; got != want || want == 0 {
		t.Errorf("%d events, expected %d", got, want)
	}
}
