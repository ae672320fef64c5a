package harness_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/reference/api"
	"github.com/sagacheck/sagacheck/scenarios"
)

// local is the reference executor inside the test.
type local struct {
	orchestrators.System
	base string
}

func (l local) Info() history.Orchestrator {
	return history.Orchestrator{Name: "reference", Capabilities: capabilities}
}
func (l local) Base() string                            { return l.base }
func (l local) Client(base string) orchestrators.Client { return orchestrators.NewContract(base) }
func (l local) Alive() error                            { return nil }

var capabilities = []string{"dag", "pivot", "deferrable", "deferred-policy", "jitter", "exponential-backoff", "permanent-errors", "idempotency-key", "trace-context", "reconcile", "repair", "versions"}

// startLocal serves the reference executor until the test ends.
func startLocal(tb testing.TB) local {
	tb.Helper()
	exec, err := reference.Open(tb.Context(), reference.Options{StoreDSN: filepath.Join(tb.TempDir(), "saga.db"), ReconcileEvery: 50 * time.Millisecond, ReconcileFor: time.Minute, ReconcileRepair: true})
	if err != nil {
		tb.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	srv := &http.Server{Handler: api.Handler(exec)}
	go srv.Serve(ln) //nolint:errcheck // ends with Close below
	tb.Cleanup(func() {
		srv.Close()
		if err := exec.Close(); err != nil {
			tb.Error(err)
		}
	})
	return local{base: "http://" + ln.Addr().String()}
}

func scenario(tb testing.TB, name string) *scenarios.Scenario {
	tb.Helper()
	s, err := scenarios.Match(name)
	if err != nil {
		tb.Fatal(err)
	}
	return s[0]
}

// BenchmarkCells is whole cells of the order scenario, judged by nobody: with no
// fault, and with a mix of faults that need no time-out.
func BenchmarkCells(b *testing.B) {
	quick := faults.Plan{Faults: []faults.Fault{{Kind: "reject", At: mustPoint("ship#1@receive")}}}
	for name, plan := range map[string]faults.Plan{"fault-free": {}, "rejected": quick} {
		b.Run(name, func(b *testing.B) { benchCells(b, scenario(b, "order"), 1, plan) })
	}
}

// BenchmarkGrowth is how cells without a fault grow: with the steps of a saga, one after the other, and with its
// sagas, all at once.
func BenchmarkGrowth(b *testing.B) {
	for _, n := range []int{1, 4, 16, 64} {
		b.Run(fmt.Sprintf("steps/%d", n), func(b *testing.B) { benchCells(b, lengthened(scenario(b, "order"), n), 1, faults.Plan{}) })
	}
	for _, n := range []int{1, 4, 16, 64} {
		b.Run(fmt.Sprintf("sagas/%d", n), func(b *testing.B) { benchCells(b, scenario(b, "order"), n, faults.Plan{}) })
	}
}

// lengthened is a scenario with so many steps like its first one.
func lengthened(s *scenarios.Scenario, n int) *scenarios.Scenario {
	long := *s
	long.Steps = nil
	for i := range n {
		step := s.Steps[0]
		step.Name = fmt.Sprintf("%s-%d", step.Name, i+1)
		long.Steps = append(long.Steps, step)
	}
	return &long
}

func benchCells(b *testing.B, s *scenarios.Scenario, sagas int, plan faults.Plan) {
	h, err := harness.New(harness.Options{System: startLocal(b), Parallel: 64})
	if err != nil {
		b.Fatal(err)
	}
	defer h.Close()
	n, calls := 0, 0
	b.ResetTimer()
	err = h.Run(context.Background(), func(yield func(harness.Cell) bool) {
		for range b.N {
			n++
			if !yield(harness.Cell{ID: nextID(), Scenario: s.Name, Source: s, Sagas: sagas, Plan: plan, Profile: participants.Fenced}) {
				return
			}
		}
	}, func(r harness.Result) {
		if r.Err != nil {
			b.Error(r.Err)
			return
		}
		for _, e := range r.History.Events {
			if e.Kind == history.CallSent {
				calls++
			}
		}
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "cells/s")
	b.ReportMetric(float64(calls)/b.Elapsed().Seconds(), "calls/s")
}
