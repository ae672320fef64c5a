package reports_test

import (
	"fmt"
	"io"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/reports"
	"github.com/sagacheck/sagacheck/results"
)

// BenchmarkWrite is the price of the reports of 50,000 red cells.
func BenchmarkWrite(b *testing.B) {
	h := samples.LostAnswer()
	verdicts := []checkers.Verdict{{
		Property: "duplicate-effect", Outcome: checkers.Violation, AtRisk: 1,
		Witnesses: []checkers.Witness{{Broken: "twice", Saga: "c2-1", Step: "charge", Events: []int{10, 16}}},
	}, samples.Pass("lost-compensation", 1), samples.Vacuous("breaker-violation")}
	for range b.N {
		c := results.New(samples.Meta())
		for i := range 50000 {
			c.Add(results.CellInfo{ID: fmt.Sprintf("c%d", i), Scenario: fmt.Sprintf("s%d", i%40)}, h, verdicts)
		}
		r := c.Finish()
		for _, write := range []func(io.Writer, *results.Run) error{reports.Markdown, reports.HTML, reports.JUnit} {
			var n counter
			if err := write(&n, r); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(n), "bytes-of-last")
		}
	}
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
