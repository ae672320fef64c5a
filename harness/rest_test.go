package harness_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/participants"
)

// counting counts how many cells run at once.
type counting struct {
	mu        sync.Mutex
	now, most int
}

func (c *counting) Began(harness.Cell, *history.Recorder) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now++
	c.most = max(c.most, c.now)
}

func (c *counting) Over(harness.Cell) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now--
}

// A cell with an orchestrator of its own in which nothing happens any more does not keep the next one waiting,
// if so many may rest.
func TestWhoOnlyWaitsGivesItsLaneAway(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /sagas", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
	mux.HandleFunc("GET /sagas/{id}", func(w http.ResponseWriter, r *http.Request) {
		id := r.PathValue("id")
		if id == "sagacheck-probe" {
			http.NotFound(w, r)
			return
		}
		fmt.Fprintf(w, `{"id":%q,"status":"running"}`, id)
	})
	forgetful := httptest.NewServer(mux)
	t.Cleanup(forgetful.Close)
	attach := func(ctx context.Context) (orchestrators.System, error) {
		return orchestrators.Attach(ctx, forgetful.URL)
	}
	sys, err := attach(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for resting, want := range map[int]int{0: 1, 1: 2} {
		var seen counting
		h, err := harness.New(harness.Options{
			System: sys, Start: attach, Alone: true, Processes: 1, Resting: resting, Settle: 3 * time.Second, Watch: &seen,
		})
		if err != nil {
			t.Fatal(err)
		}
		s := scenario(t, "single-step")
		err = h.Run(t.Context(), func(yield func(harness.Cell) bool) {
			for range 2 {
				if !yield(harness.Cell{ID: nextID(), Scenario: s.Name, Source: s, Sagas: 1, Profile: participants.Fenced}) {
					return
				}
			}
		}, func(r harness.Result) {
			if r.Err != nil {
				t.Error(r.Err)
			}
		})
		if err != nil {
			t.Error(err)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		if seen.most != want {
			t.Errorf("%d may rest: %d cells ran at once, expected %d", resting, seen.most, want)
		}
	}
}
