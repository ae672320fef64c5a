package campaign

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/scenarios"
)

// BenchmarkCrashes is cells that kill a reference executor of their own, and start it again, judged by
// nobody.
func BenchmarkCrashes(b *testing.B) {
	found, err := scenarios.Match("order")
	if err != nil {
		b.Fatal(err)
	}
	s := found[0]
	crash := faults.Plan{Faults: []faults.Fault{{Kind: "crash-orchestrator", DelayMS: 5, At: saga.FailurePoint{
		Step: "charge", Direction: saga.Action, Attempt: 1, Phase: saga.Commit,
	}}}}
	h, err := harness.New(harness.Options{
		Start: func(ctx context.Context) (orchestrators.System, error) {
			return orchestrators.Start(ctx, Reference, orchestrators.Options{})
		},
		Processes: ProcessesPerCoreBuiltIn * runtime.GOMAXPROCS(0),
	})
	if err != nil {
		b.Fatal(err)
	}
	defer h.Close()
	b.ResetTimer()
	err = h.Run(b.Context(), func(yield func(harness.Cell) bool) {
		for n := range b.N {
			if !yield(harness.Cell{ID: fmt.Sprintf("crashed-%d-%d", b.N, n), Scenario: s.Name, Source: s, Sagas: 1, Plan: crash, Profile: participants.Fenced}) {
				return
			}
		}
	}, func(r harness.Result) {
		if r.Err != nil {
			b.Error(r.Err)
		}
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "cells/s")
}
