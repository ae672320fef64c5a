package reports_test

import (
	"fmt"
	"io"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/reports"
)

// BenchmarkCollector is the price of a red cell among many, and of the reports of
// 50,000 of them.
func BenchmarkCollector(b *testing.B) {
	h := benchHistory(b)
	verdicts := []checkers.Verdict{{
		Property: "duplicate-effect", Outcome: checkers.Violation, AtRisk: 1,
		Witnesses: []checkers.Witness{{Broken: "twice", Saga: "c2-1", Step: "charge", Events: []int{10, 16}}},
	}, pass("lost-compensation", 1), vacuous("breaker-violation")}
	b.Run("add", func(b *testing.B) {
		c := reports.New(meta())
		b.ReportAllocs()
		for i := range b.N {
			c.Add(reports.CellInfo{ID: fmt.Sprintf("c%d", i)}, h, verdicts)
		}
	})
	b.Run("write-50000", func(b *testing.B) {
		for range b.N {
			c := reports.New(meta())
			for i := range 50000 {
				c.Add(reports.CellInfo{ID: fmt.Sprintf("c%d", i), Scenario: fmt.Sprintf("s%d", i%40)}, h, verdicts)
			}
			r := c.Finish()
			for _, write := range []func(io.Writer) error{r.WriteJSON, r.WriteMarkdown, r.WriteHTML, r.WriteJUnit} {
				var n counter
				if err := write(&n); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(n), "bytes-of-last")
			}
		}
	})
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

func benchHistory(b *testing.B) *history.History {
	b.Helper()
	h, err := loadText("testdata/lost-answer.history.txt")
	if err != nil {
		b.Fatal(err)
	}
	return h
}
