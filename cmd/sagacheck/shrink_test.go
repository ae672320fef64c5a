package main

import (
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/internal/tinyorch"
	"github.com/sagacheck/sagacheck/results"
)

const threeFaults = `faults:
  - {kind: slow, at: reserve#1@request, kbps: 32}
  - {kind: error, at: charge#1@commit}
  - {kind: slow, at: ship#1@response, kbps: 32}
`

func TestRunShrinks(t *testing.T) {
	t.Parallel()
	code, run, output := command(t, "run", "--orchestrator", attach(t, tinyorch.Bugs{}), "--scenario", "order", "--participants", "naive",
		"--property", "duplicate-effect", "--plan", planFile(t, threeFaults), "--shrink")
	if code != results.ExitViolation || len(run.Failures) != 2 {
		t.Fatalf("exit %d, %d failures: expected 1, and two failures: the original and the smallest\n%s", code, len(run.Failures), output)
	}
	small, original := run.Failures[0], run.Failures[1]
	if small.Plan != "lose charge#1@response" || !strings.HasPrefix(small.ShrunkFrom, original.Plan) {
		t.Errorf("shrunk to %q from %q, want a lost answer", small.Plan, small.ShrunkFrom)
	}
	if shown := run.Shown(); len(shown) != 1 || shown[0].Plan != results.SortPlan(original.Plan) || run.FailureOf(shown[0]).ShrunkTo() != small.Plan {
		t.Errorf("it is followed as %+v, want the plan that was run: %q", shown, original.Plan)
	}
	for _, f := range run.Failures {
		if f.Reproduced == nil || f.Reproduced.Tries != 10 || f.Reproduced.Hits == 0 {
			t.Errorf("%s: reproduced %+v, want a rate over ten replays", f.Plan, f.Reproduced)
		}
	}
}

// The map shows what only the smaller plan has struck.
func TestMapShowsWhatShrinkingProved(t *testing.T) {
	t.Parallel()
	_, run, output := command(t, "run", "--orchestrator", attach(t, tinyorch.Bugs{}), "--scenario", "order", "--participants", "naive",
		"--property", "duplicate-effect", "--plan", planFile(t, threeFaults), "--shrink")
	for _, m := range run.Maps {
		for _, p := range m.Points {
			if p.At.String() == "charge#1@response" && p.Struck == 1 && p.Broke == 1 {
				return
			}
		}
	}
	t.Errorf("charge#1@response was struck by the smallest plan: %+v\n%s", run.Maps, output)
}

const lostCharge = "faults:\n  - {kind: lose, at: charge#1@response}\n"

// The smallest plan is run with each stronger kind of participants, which help or don't: not against an
// orchestrator that uses another key each time.
func TestShrinkShowsWhichParticipantsPreventIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		bugs         tinyorch.Bugs
		participants string
		broken       []int // with each stronger kind
	}{
		{tinyorch.Bugs{}, "naive", []int{0, 0}},
		{tinyorch.Bugs{FreshKey: true}, "naive", []int{3, 3}},
		{tinyorch.Bugs{FreshKey: true}, "fenced", nil},
	} {
		_, run, output := command(t, "run", "--orchestrator", attach(t, c.bugs), "--scenario", "order", "--participants", c.participants,
			"--property", "duplicate-effect", "--plan", planFile(t, lostCharge), "--shrink")
		if len(run.Failures) == 0 {
			t.Fatalf("%+v: no failure\n%s", c, output)
		}
		f := run.Failures[0]
		if len(f.Protected) != len(c.broken) {
			t.Fatalf("%+v: got %+v", c, f.Protected)
		}
		for i, p := range f.Protected {
			if p.Broken.Hits != c.broken[i] || p.Broken.Tries != 3 || p.Participants != []string{"keyed", "fenced"}[i] {
				t.Errorf("%+v: got %+v", c, f.Protected)
			}
		}
	}
}
