package harness_test

import (
	"net/http"
	"slices"
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
)

// without is a system that does not claim one of its capabilities.
type without struct {
	orchestrators.System
	capability string
}

func (w without) Info() history.Orchestrator {
	info := w.System.Info()
	info.Capabilities = slices.DeleteFunc(slices.Clone(info.Capabilities), func(c string) bool { return c == w.capability })
	return info
}

// TestSubmittedOnce: where a second submission would be a second saga there is
// none; what became of the first is looked up.
func TestSubmittedOnce(t *testing.T) {
	t.Parallel()
	sys := tiny(t, tinyorch.Bugs{SecondSaga: true})
	for _, c := range []struct {
		sys                 orchestrators.System
		point               string
		submitted, accepted int
	}{
		{sys, "submit#1@response", 2, 1},
		{without{sys, "idempotent-submit"}, "submit#1@response", 1, 1},
		{without{sys, "idempotent-submit"}, "submit#1@request", 1, 0},
	} {
		r := struckOnce(t, harness.Options{System: c.sys}, faults.Fault{Kind: "lose", At: mustPoint(c.point)})
		if r.Err != nil {
			t.Errorf("%s: %v", c.point, r.Err)
			continue
		}
		count := map[history.Kind]int{}
		for _, e := range r.History.Events {
			count[e.Kind]++
		}
		if count[history.SagaSubmitted] != c.submitted || count[history.SagaAccepted] != c.accepted || count[history.SagaEnded] != c.accepted {
			t.Errorf("%s: %v, want %d submitted and %d accepted and ended", c.point, count, c.submitted, c.accepted)
		}
		if c.submitted > 1 {
			continue // two sagas, and what comes of it
		}
		for _, v := range checkers.Judge(r.History, checkers.All()) {
			if v.Outcome == checkers.Violation || c.accepted == 0 && v.Outcome == checkers.Pass {
				t.Errorf("%s: %s: %s %v", c.point, v.Property, v.Outcome, v.Witnesses)
			}
		}
	}
}

// TestConflictWithItself: who answers a repeated start, or the copy of one, with a conflict has the saga, and it is
// judged. Who does so without having it has not accepted it.
func TestConflictWithItself(t *testing.T) {
	t.Parallel()
	right := system(t, tinyorch.WithHabits(tinyorch.Habits{ConflictOnRepeat: true}))
	forgets := system(t, forgetful(tinyorch.WithHabits(tinyorch.Habits{ConflictOnRepeat: true})))
	for _, c := range []struct {
		sys   orchestrators.System
		fault faults.Fault
		want  string // in the error; empty: there is none
	}{
		{right, faults.Fault{Kind: "lose", At: mustPoint("submit#1@response")}, ""},
		{right, faults.Fault{Kind: "duplicate", At: mustPoint("submit#1@request")}, ""},
		{without{right, "idempotent-submit"}, faults.Fault{Kind: "duplicate", At: mustPoint("submit#1@request")}, ""},
		{forgets, faults.Fault{Kind: "lose", At: mustPoint("submit#1@response")}, "did not accept saga"},
	} {
		r := struckOnce(t, harness.Options{System: c.sys, Settle: 2 * time.Second}, c.fault)
		if (r.Err == nil) != (c.want == "") || r.Err != nil && !strings.Contains(r.Err.Error(), c.want) {
			t.Errorf("%v: %v, expected %q", c.fault, r.Err, c.want)
			continue
		}
		if c.want != "" {
			continue
		}
		ended := slices.ContainsFunc(r.History.Events, func(e history.Event) bool { return e.Kind == history.SagaEnded })
		for _, v := range checkers.Judge(r.History, checkers.All()) {
			if v.Outcome == checkers.Violation || v.Outcome == checkers.Inconclusive || !ended {
				t.Errorf("%v: %s: %s %s %v (ended: %v)", c.fault, v.Property, v.Outcome, v.Reason, v.Witnesses, ended)
			}
		}
	}
}

// struckOnce runs a saga of one step, and one fault.
func struckOnce(t *testing.T, o harness.Options, f faults.Fault) harness.Result {
	t.Helper()
	h, err := harness.New(o)
	if err != nil {
		t.Fatal(err)
	}
	s := scenario(t, "single-step")
	r := h.RunCell(t.Context(), harness.Cell{ID: nextID(), Scenario: s.Name, Source: s, Sagas: 1, Plan: faults.Plan{Faults: []faults.Fault{f}}, Profile: participants.Fenced})
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	return r
}

// forgetful knows no saga by its id.
func forgetful(o http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/sagas/") {
			http.NotFound(w, r)
			return
		}
		o.ServeHTTP(w, r)
	})
}

// TestStruckStart: what becomes of a saga whose start was struck, and that nobody can ask for, is
// no error; the run has other plans that show it.
func TestStruckStart(t *testing.T) {
	h, flow := startShop(t, &shop{send: usual, silent: true}, "127.0.0.1")
	h.Settle = 2 * time.Second
	late := faults.Plan{Faults: []faults.Fault{{Kind: "lose", At: mustPoint("submit#1@response")}}}
	r := h.RunCell(t.Context(), shopCell(flow, 1, late))
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	if one := history.NewIndex(r.History).Sagas[0]; len(one.Accepted) > 0 || !strings.Contains(one.Refused[len(one.Refused)-1].Detail, "nobody can ask") {
		t.Errorf("accepted %d times: %+v", len(one.Accepted), one.Refused)
	}
}
