package harness_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/tinyorch"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/scenarios"
)

// slowUndo is a scenario with short waits between the attempts of actions and long
// ones between those of compensations.
const slowUndo = `
name: two-steps
description: an action policy with short waits and an undo policy with long ones
retry: {max_attempts: 4, initial_interval_ms: 5, multiplier: 2, max_interval_ms: 40, jitter: 0.5, attempt_timeout_ms: 250}
undo_retry: {max_attempts: 0, initial_interval_ms: UNDO, multiplier: 1, max_interval_ms: UNDO, jitter: 0.1, attempt_timeout_ms: 250}
steps:
  - name: reserve
    participant: warehouse
    kind: compensatable
    do:
      - transfer: {from: "stock:widget", to: "reserved:${saga}", amount: 1, unit: piece}
  - name: charge
    participant: payments
    kind: compensatable
    do:
      - transfer: {from: "card:${saga}", to: shop, amount: 4200, unit: EUR}
`

// tiny serves the small orchestrator until the test ends.
func tiny(t *testing.T, bugs tinyorch.Bugs) orchestrators.System {
	t.Helper()
	o := tinyorch.New(bugs)
	t.Cleanup(o.Close)
	return system(t, o)
}

// system is an orchestrator behind a server of its own.
func system(t *testing.T, o http.Handler) orchestrators.System {
	t.Helper()
	srv := httptest.NewServer(o)
	t.Cleanup(srv.Close)
	sys, err := orchestrators.Attach(t.Context(), srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sys.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
	return sys
}

// settled runs one cell and gives its history and what it says of its end.
func settled(t *testing.T, sys orchestrators.System, undo string, settle time.Duration) (h *history.History, end history.Event) {
	t.Helper()
	s, err := scenarios.Parse("slow-undo.yaml", []byte(strings.ReplaceAll(slowUndo, "UNDO", undo)))
	if err != nil {
		t.Fatal(err)
	}
	run, err := harness.New(harness.Options{System: sys, Settle: settle})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := run.Close(); err != nil {
			t.Error(err)
		}
	}()
	plan := faults.Plan{Faults: []faults.Fault{{Kind: "reject", At: mustPoint("charge#1@receive")}}}
	r := run.RunCell(t.Context(), harness.Cell{ID: nextID(), Scenario: s.Name, Source: s, Sagas: 1, Plan: plan, Profile: participants.Keyed})
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	for _, e := range r.History.Events {
		if e.Kind == history.Settled {
			end = e
		}
	}
	return r.History, end
}

// TestEndFollowsUndoPolicies: a second compensation that comes within the wait of
// the undo policy is seen, although no action waits as long.
func TestEndFollowsUndoPolicies(t *testing.T) {
	t.Parallel()
	h, end := settled(t, tiny(t, tinyorch.Bugs{UndoAgain: 700 * time.Millisecond}), "800", 5*time.Second)
	checker, _ := checkers.ByName("duplicate-compensation")
	if v := checkers.Judge(h, []checkers.Checker{checker})[0]; v.Outcome != checkers.Violation {
		t.Errorf("got %s (%s), want a violation; the cell ended after %v", v.Outcome, v.Reason, end.At)
	}
}

// TestUnwaitedIsSaid: what is longer than the settle time is not waited for, and
// the history says so.
func TestUnwaitedIsSaid(t *testing.T) {
	_, end := settled(t, tiny(t, tinyorch.Bugs{}), "60000", 300*time.Millisecond)
	if want := "not waited for: reserve.undo, which may be attempted for 1m"; !strings.Contains(end.Detail, want) {
		t.Errorf("got %q, want %q", end.Detail, want)
	}
}

// TestUnattemptedCostsNothing: the long waits of compensations that were never
// attempted do not delay the end.
func TestUnattemptedCostsNothing(t *testing.T) {
	s, err := scenarios.Parse("slow-undo.yaml", []byte(strings.ReplaceAll(slowUndo, "UNDO", "60000")))
	if err != nil {
		t.Fatal(err)
	}
	run, err := harness.New(harness.Options{System: tiny(t, tinyorch.Bugs{})})
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	r := run.RunCell(t.Context(), harness.Cell{ID: nextID(), Scenario: s.Name, Source: s, Sagas: 1, Profile: participants.Fenced})
	if r.Err != nil || r.Duration > harness.DefaultSettle/2 {
		t.Errorf("took %v, error %v", r.Duration, r.Err)
	}
}
