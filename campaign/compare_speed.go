package campaign

import (
	"cmp"
	"context"
	"math"
	"runtime"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/orchestrators"
)

// rounds of sagas, one after the other, that the speed is measured with.
const rounds = 8

// atOnce is how many sagas at once all orchestrators of the comparison can take, and
// no more than --parallel: their speeds are compared at that.
func (c *comparison) atOnce() int {
	n := cmp.Or(c.options.Parallel, SagasPerCore*runtime.GOMAXPROCS(0))
	for _, row := range c.rows {
		if row.parallel > 0 {
			n = min(n, row.parallel)
		}
	}
	return n
}

// parallelOf is how many sagas at once an orchestrator can take; 0: any number.
func parallelOf(name string) int {
	m, err := orchestrators.FindManifest(name)
	if err != nil { // reached by its URL
		return 0
	}
	return m.Parallel
}

// throughput is sagas a second without faults, so many at once, from the first
// submission of a round to its last end; 0 if that could not be measured.
func (x *session) throughput(ctx context.Context, atOnce int) float64 {
	subjects := x.subjects()
	if len(subjects) == 0 {
		return 0
	}
	s, sagas, took := subjects[0], 0, time.Duration(0)
	cells := make([]harness.Cell, rounds)
	for i := range cells {
		cells[i] = x.cellOf(s.Name, s.Source, atOnce, faults.Plan{}, x.s.Seed)
	}
	for _, r := range x.harness.Time(ctx, cells) {
		if r.Err != nil || r.History == nil {
			x.host.say("the speed of %s was not measured: %v", x.s.Orchestrator, r.Err)
			return 0
		}
		first, last := time.Duration(math.MaxInt64), time.Duration(0)
		for _, e := range r.History.Events {
			switch e.Kind {
			case history.SagaSubmitted:
				first = min(first, e.At)
			case history.SagaEnded:
				last = max(last, e.At)
				sagas++
			}
		}
		took += max(last-first, 0)
	}
	if took <= 0 {
		return 0
	}
	return float64(sagas) / took.Seconds()
}
