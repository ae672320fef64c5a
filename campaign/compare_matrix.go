package campaign

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/results"
)

// finish makes the matrix.
func (c *comparison) finish(ctx context.Context) *results.Run {
	matrix := results.Compare(c.runs)
	matrix.Strict, matrix.AtOnce = c.options.Strict, c.atOnce()
	matrix.Machine = fmt.Sprintf("%s/%s, %d cores, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), c.started.UTC().Format(time.DateOnly))
	for i := range matrix.Engines {
		e := &matrix.Engines[i]
		e.SagasPerSecond = c.speed[e.Name]
		if base := c.speed[Reference]; base > 0 {
			e.Ratio = e.SagasPerSecond / base
		}
		if len(c.options.Workflows) == 0 {
			describe(e, matrix)
		}
	}
	collector := results.New(results.Meta{Tool: c.host.Tool, Command: c.host.Command, Started: c.started, Seed: c.options.Seed})
	why, byUser := cutBy(ctx, nil)
	if byUser {
		collector.Interrupt()
	}
	collector.LeftOut(why+": orchestrators with a profile not begun", len(c.rows)*len(c.options.Profiles)-len(c.runs))
	for _, r := range c.runs {
		for _, n := range r.LeftOut {
			collector.LeftOut(fmt.Sprintf("%s with %s participants: %s", r.Orchestrator.Name, r.Profile, n.Reason), n.Plans)
		}
	}
	run := collector.Finish()
	run.Comparison = matrix
	for _, r := range c.runs { // its own cells are none: those of the runs were judged
		run.Totals.Events += r.Totals.Events
	}
	run.Judge()
	return run
}

// describe adds what the engine's manifest says: settings, and which findings
// are documented behaviour.
func describe(e *results.Engine, cmp *results.Comparison) {
	m, err := orchestrators.FindManifest(e.Name)
	if err != nil { // by URL: there is nothing to tell
		return
	}
	for _, s := range m.Settings {
		e.Settings = append(e.Settings, fmt.Sprintf("%s = %s: %s", s.Name, s.Value, s.Why))
	}
	for i := range cmp.Marks {
		k := &cmp.Marks[i]
		if k.Engine != e.Name || k.Mark != results.IsViolated {
			continue
		}
		for _, n := range m.Notes {
			if n.Property == k.Anomaly {
				k.Behaviour, k.Source = n.Says, n.Text
			}
		}
	}
}
