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
	code, run, output := command(t, "run", "--orchestrator", attach(t, tinyorch.Bugs{}), "--scenario", "order", "--participants", "naive",
		"--property", "duplicate-effect", "--plan", planFile(t, threeFaults), "--shrink")
	if code != results.ExitViolation || len(run.Failures) != 2 {
		t.Fatalf("exit %d, %d failures: expected 1, and two failures: the original and the smallest\n%s", code, len(run.Failures), output)
	}
	small, original := run.Failures[0], run.Failures[1]
	if small.Plan != "lose charge#1@response" || !strings.HasPrefix(small.ShrunkFrom, original.Plan) {
		t.Errorf("shrunk to %q from %q, want a lost answer", small.Plan, small.ShrunkFrom)
	}
	for _, f := range run.Failures {
		if f.Reproduced == nil || f.Reproduced.Tries != 10 || f.Reproduced.Hits == 0 {
			t.Errorf("%s: reproduced %+v, want a rate over ten replays", f.Plan, f.Reproduced)
		}
	}
}
