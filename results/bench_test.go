package results_test

import (
	"fmt"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/results"
)

// BenchmarkCollector is the price of a red cell among many.
func BenchmarkCollector(b *testing.B) {
	h := samples.LostAnswer()
	verdicts := []checkers.Verdict{{
		Property: "duplicate-effect", Outcome: checkers.Violation, AtRisk: 1,
		Witnesses: []checkers.Witness{{Broken: "twice", Saga: "c2-1", Step: "charge", Events: []int{10, 16}}},
	}, samples.Pass("lost-compensation", 1), samples.Vacuous("breaker-violation")}
	c := results.New(samples.Meta())
	b.ReportAllocs()
	for i := range b.N {
		c.Add(results.CellInfo{ID: fmt.Sprintf("c%d", i)}, h, verdicts)
	}
}
