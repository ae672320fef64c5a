package harness_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/internal/tinyorch"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/scenarios"
)

// byContract is the saga of the shop, as it is sent to an orchestrator.
const byContract = `
name: shop-by-contract
description: Two articles are reserved, the card is charged.
retry: {max_attempts: 4, initial_interval_ms: 10, attempt_timeout_ms: 1000}
steps:
  - {name: reserve-cup, kind: compensatable, participant: stock, do: [create: {record: "cup:${saga}"}]}
  - {name: reserve-pot, kind: compensatable, participant: stock, do: [create: {record: "pot:${saga}"}]}
  - {name: charge, kind: pivot, participant: pay, do: [transfer: {from: "card:${saga}", to: shop, amount: 4200, unit: EUR}]}
`

// alternately is how many cells of one kind run before those of the other: what else the
// machine does meets both.
const alternately = 256

// BenchmarkOwnWorkflow is cells of a workflow with its own routes against cells of the
// same saga by contract, in turns, both of orchestrators that do nothing but call. The
// ratio is how many times longer the workflow's take.
func BenchmarkOwnWorkflow(b *testing.B) {
	file := filepath.Join(b.TempDir(), "scenario.yaml")
	if err := os.WriteFile(file, []byte(byContract), 0o600); err != nil {
		b.Fatal(err)
	}
	s, err := scenarios.Load(file)
	if err != nil {
		b.Fatal(err)
	}
	tiny := tinyorch.New(tinyorch.Bugs{})
	b.Cleanup(tiny.Close)
	srv := httptest.NewServer(tiny)
	b.Cleanup(srv.Close)
	contract, err := harness.New(harness.Options{System: local{base: srv.URL}, Parallel: 100})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := contract.Close(); err != nil {
			b.Error(err)
		}
	})
	own, flow := startShop(b, &shop{send: alone, calm: true}, "127.0.0.1")
	b.ResetTimer()
	var took [2]time.Duration
	for left := b.N; left > 0; left -= alternately {
		n := min(left, alternately)
		took[0] += runAll(b, contract, harness.Cell{Scenario: s.Name, Source: s, Sagas: 1, Profile: participants.Naive}, n)
		took[1] += runAll(b, own, harness.Cell{Scenario: flow.Name, Source: harness.Outline{Flow: flow}, Sagas: 1, Profile: participants.Naive}, n)
	}
	b.ReportMetric(float64(b.N)/took[0].Seconds(), "contract-cells/s")
	b.ReportMetric(float64(b.N)/took[1].Seconds(), "workflow-cells/s")
	b.ReportMetric(took[1].Seconds()/took[0].Seconds(), "ratio")
}

// runAll runs so many cells like one, and tells how long they took.
func runAll(b *testing.B, h *harness.Harness, like harness.Cell, n int) time.Duration {
	b.Helper()
	began := time.Now()
	err := h.Run(b.Context(), func(yield func(harness.Cell) bool) {
		for range n {
			if like.ID = nextID(); !yield(like) {
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
	return time.Since(began)
}

// alone sends on a connection of its own, as the other orchestrator does.
func alone(ctx context.Context, method, url string, body []byte) (int, []byte, error) {
	return doBy(ctx, unpooled, method, url, bytes.NewReader(body), nil)
}

var unpooled = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second}
