package telemetry

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

// Drift of a saga that has ended is counted, over a restart, and nothing else of the saga is counted again.
func TestDriftIsCounted(t *testing.T) {
	var gone atomic.Bool
	books := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if gone.Load() {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write([]byte(`{}`))
	}))
	t.Cleanup(books.Close)
	w := newWorld(t, func(string, int) int { return http.StatusOK })
	o := reference.Options{StoreDSN: t.TempDir() + "/s.db", ReconcileEvery: 2 * time.Millisecond, ReconcileFor: time.Hour}
	l := w.open(t, "one", o)
	d := w.define("s")
	d.Steps[0].ReadBack = books.URL
	if err := l.Submit(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if got := l.end(t, "s"); got != saga.Completed {
		t.Fatal(got)
	}
	expect := func(open, total float64) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); l.metric(t, "saga_drift_open") != open; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%v are open, want %v", l.metric(t, "saga_drift_open"), open)
			}
		}
		if got := l.metric(t, "saga_drift_total", "what=missing"); got != total {
			t.Errorf("%v were found, want %v", got, total)
		}
		if got := l.metric(t, "saga_ended_total"); got != 1 {
			t.Errorf("%v ends, want 1", got)
		}
		if got := l.metric(t, "saga_step_attempts_total"); got != 3 {
			t.Errorf("%v attempts, want 3", got)
		}
	}
	expect(0, 0)
	gone.Store(true)
	expect(1, 1)
	l.crash()
	l = w.open(t, "two", o)
	expect(1, 1)
	gone.Store(false)
	expect(0, 1)
	gone.Store(true)
	expect(1, 2)
}

// A repair is counted as an attempt of its compensation, has its span, and ends no saga anew, over a restart too.
func TestRepairsAreCounted(t *testing.T) {
	var back atomic.Bool
	books := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !back.Load() {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write([]byte(`{}`))
	}))
	t.Cleanup(books.Close)
	back.Store(true)
	w := newWorld(t, func(op string, _ int) int {
		switch {
		case op == "b":
			return http.StatusUnprocessableEntity
		case op == "a.undo":
			back.Store(false)
		}
		return http.StatusOK
	})
	o := reference.Options{StoreDSN: t.TempDir() + "/s.db", ReconcileEvery: 2 * time.Millisecond, ReconcileFor: time.Hour, ReconcileRepair: true}
	l := w.open(t, "one", o)
	d := w.define("s")
	d.Steps[0].ReadBack = books.URL
	if err := l.Submit(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if got := l.end(t, "s"); got != saga.Compensated {
		t.Fatal(got)
	}
	back.Store(true)
	expect := func() {
		t.Helper()
		for name, want := range map[string]float64{
			"saga_drift_total": 1, "saga_drift_repairs_total": 1, "saga_ended_total": 1, "saga_compensations_total": 1, "saga_step_attempts_total": 4, "saga_retries_total": 1,
		} {
			if got := l.metric(t, name); got != want {
				t.Errorf("%s is %v, want %v", name, got, want)
			}
		}
	}
	for deadline := time.Now().Add(20 * time.Second); l.metric(t, "saga_drift_repairs_total") == 0 || l.metric(t, "saga_drift_open") != 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it is not repaired")
		}
	}
	expect()
	if err := l.t.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	for _, c := range w.calls {
		if w.spans[c.span] == nil {
			t.Errorf("%+v has no span", c)
		}
	}
	w.mu.Unlock()
	l.crash()
	l = w.open(t, "two", o)
	expect()
}
