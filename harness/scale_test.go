package harness_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/tinyorch"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/participants"
)

// TestScaleIsTheClientsToo: a client of a slow orchestrator waits longer for its
// answer before it sends the saga again.
func TestScaleIsTheClientsToo(t *testing.T) {
	t.Parallel()
	const slow = 700 * time.Millisecond // the client's own time-out is 500 ms
	o := tinyorch.New(tinyorch.Bugs{})
	t.Cleanup(o.Close)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			time.Sleep(slow) // what is under test
		}
		o.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	sys, err := orchestrators.Attach(t.Context(), srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	h, err := harness.New(harness.Options{System: sys, Scale: 4})
	if err != nil {
		t.Fatal(err)
	}
	s := scenario(t, "order")
	r := h.RunCell(t.Context(), harness.Cell{ID: nextID(), Scenario: s.Name, Source: s, Sagas: 1, Profile: participants.Fenced})
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	sent := 0
	for _, e := range r.History.Events {
		if e.Kind == history.SagaSubmitted {
			sent++
		}
	}
	if sent != 1 {
		t.Errorf("the saga was sent %d times", sent)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if err := sys.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
