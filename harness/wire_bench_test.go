package harness_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
)

// callers is how many calls a client has under way in the benchmarks of calls.
const callers = 32

// callMany makes n calls, a connection each, and says how long they took.
func callMany(b *testing.B, n int, url string, body json.RawMessage, header func(n int) http.Header) time.Duration {
	b.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	var made atomic.Int64
	began := time.Now()
	var work sync.WaitGroup
	for range callers {
		work.Go(func() {
			for i := int(made.Add(1)); i <= n; i = int(made.Add(1)) {
				if err := callOnce(client, url, body, header(i)); err != nil {
					b.Error(err)
				}
			}
		})
	}
	work.Wait()
	return time.Since(began)
}

func callOnce(client *http.Client, url string, body json.RawMessage, header http.Header) error {
	r, err := http.NewRequest(http.MethodPost, url, strings.NewReader(string(body)))
	if err != nil {
		return err
	}
	r.Header = header
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("answered %d", resp.StatusCode)
	}
	return err
}

// caller is an orchestrator that does nothing but call one step, again and again under its key.
type caller struct {
	b    *testing.B
	took time.Duration
}

func (c *caller) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	report := saga.Report{ID: strings.TrimPrefix(r.URL.Path, "/sagas/"), Status: saga.Completed}
	if r.Method == http.MethodPost {
		var d saga.Definition
		if err := json.NewDecoder(r.Body).Decode(&d); err != nil {
			c.b.Error(err)
		}
		step := d.Steps[0]
		report.ID = d.ID
		c.took = callMany(c.b, c.b.N, step.Action.URL, step.Action.Body, func(int) http.Header {
			return http.Header{"Content-Type": {"application/json"}, "Idempotency-Key": {d.ID}, "Saga-Id": {d.ID}, "Saga-Step": {step.Name}}
		})
		w.WriteHeader(http.StatusAccepted)
	}
	if err := json.NewEncoder(w).Encode(report); err != nil {
		c.b.Error(err)
	}
}

// BenchmarkWire is calls of a client that does nothing else: through the wire to a participant, each
// recorded, and straight to a server.
func BenchmarkWire(b *testing.B) {
	b.Run("through", func(b *testing.B) {
		c := &caller{b: b}
		server := httptest.NewServer(c)
		defer server.Close()
		h, err := harness.New(harness.Options{System: local{base: server.URL}, Quiet: time.Millisecond})
		if err != nil {
			b.Fatal(err)
		}
		defer h.Close()
		s := scenario(b, "order")
		r := h.RunCell(context.Background(), harness.Cell{ID: nextID(), Scenario: s.Name, Source: s, Sagas: 1, Profile: participants.Fenced, Patient: true})
		if r.Err != nil {
			b.Fatal(r.Err)
		}
		b.ReportMetric(float64(b.N)/c.took.Seconds(), "calls/s")
	})
	b.Run("direct", func(b *testing.B) {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(w, "{\"ok\":true}\n")
		}))
		defer server.Close()
		took := callMany(b, b.N, server.URL, json.RawMessage(`{"postings":[]}`), func(int) http.Header { return http.Header{} })
		b.ReportMetric(float64(b.N)/took.Seconds(), "calls/s")
	})
}
