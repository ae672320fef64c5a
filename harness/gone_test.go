package harness_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/tinyorch"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
)

// leaving is an orchestrator that goes away at its third saga.
type leaving struct {
	orchestrators.System
	mu       sync.Mutex
	watchers []func(error)
	sagas    map[string]bool
}

func (l *leaving) Watch(gone func(error)) (stop func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.watchers = append(l.watchers, gone)
	return func() {}
}

// submitted notes a saga; a busy machine has its client submit it more than once.
func (l *leaving) submitted(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sagas[id] {
		return
	}
	if l.sagas[id] = true; len(l.sagas) == 3 {
		for _, gone := range l.watchers {
			gone(errors.New("process engine died (signal: killed); the end of engine.log:\n\tout of cheese"))
		}
	}
}

// TestDeparture: when the shared orchestrator goes away the cell under way says so,
// in its history and as its result, and no other is begun.
func TestDeparture(t *testing.T) {
	t.Parallel()
	l := &leaving{sagas: map[string]bool{}}
	o := tinyorch.New(tinyorch.Bugs{})
	t.Cleanup(o.Close)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			var d saga.Definition
			body, err := io.ReadAll(r.Body)
			if err = errors.Join(err, json.Unmarshal(body, &d)); err != nil {
				t.Error(err)
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			l.submitted(d.ID)
		}
		o.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	sys, err := orchestrators.Attach(t.Context(), srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	l.System = sys
	h, err := harness.New(harness.Options{System: l, Parallel: 1, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	s := scenario(t, "order")
	var results []harness.Result
	err = h.Run(t.Context(), func(yield func(harness.Cell) bool) {
		for range 100 {
			if !yield(harness.Cell{ID: nextID(), Scenario: s.Name, Source: s, Sagas: 1, Profile: participants.Fenced}) {
				return
			}
		}
	}, func(r harness.Result) { results = append(results, r) })
	if err := errors.Join(h.Close(), sys.Stop(t.Context())); err != nil {
		t.Error(err)
	}
	var gone *harness.GoneError
	if !errors.As(err, &gone) || !gone.Shared {
		t.Errorf("the run ended with %v, want a departure of the shared orchestrator", err)
	}
	if len(results) != 3 || results[1].Err != nil {
		t.Fatalf("got %d results, want two good ones and the cell under way", len(results))
	}
	last := results[2]
	if !errors.As(last.Err, &gone) || !strings.Contains(last.Err.Error(), "the system under test went away: process engine died (signal: killed)") {
		t.Errorf("the cell under way ended with %v", last.Err)
	}
	stored, err := history.Load(last.Path)
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, e := range stored.Events {
		if e.Kind == history.ProcessGone {
			told = append(told, e.Detail)
		}
	}
	if len(told) != 1 || told[0] != "process engine died (signal: killed)" {
		t.Errorf("the history says %q", told)
	}
}
