package campaign

import (
	"slices"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/planning"
)

// BenchmarkPlans is curated plans of all scenarios, each run and judged: those that
// the executor inside the program can be given, and those that kill, pause or cut
// off an executor of their own.
func BenchmarkPlans(b *testing.B) {
	for name, own := range map[string]bool{"without-crashes": false, "crashes": true} {
		b.Run(name, func(b *testing.B) {
			x := openSession(b, Defaults())
			var some []planned
			for _, s := range x.subjects() {
				for _, p := range planning.Curated(s.blueprint(), x.ability()) {
					if p.NeedsProcess() == own {
						some = append(some, planned{s, p, 1})
					}
				}
			}
			plans := slices.Repeat(some, b.N/len(some)+1)[:b.N]
			b.ResetTimer()
			err := x.harness.Run(b.Context(), x.cellsOf(slices.Values(plans)), func(r harness.Result) {
				if r.Err != nil || r.History == nil {
					b.Errorf("%s, %s: %v", r.Cell.Scenario, r.Cell.Plan, r.Err)
					return
				}
				checkers.Judge(r.History, x.checkers)
			})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "plans/s")
		})
	}
}
