package main

import (
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/tinyorch"
	"github.com/sagacheck/sagacheck/results"
	"github.com/sagacheck/sagacheck/saga"
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
		if f.Reproduced == nil || f.Reproduced.Tries != replaysOfFailure || f.Reproduced.Hits == 0 {
			t.Errorf("%s: reproduced %+v, want a rate over ten replays", f.Plan, f.Reproduced)
		}
	}
}

func TestShrinkBudgetIsChecked(t *testing.T) {
	f := shrinkFlags{on: true, maxRuns: 5}
	if err := f.check(); err == nil || !strings.Contains(err.Error(), "--max-shrink-runs: 5: expected 20 or more") {
		t.Errorf("got %v", err)
	}
}

func TestTheFirstFailureIsTheSmallest(t *testing.T) {
	at := func(kind string, phase saga.Phase) faults.Fault {
		return faults.Fault{Kind: kind, At: saga.FailurePoint{Step: "a", Direction: saga.Action, Attempt: 1, Phase: phase}}
	}
	witness := []checkers.Witness{{Broken: "twice", Events: []int{1}, At: 1}}
	broken := []checkers.Verdict{
		{Property: "duplicate-effect", Outcome: checkers.Violation, Witnesses: witness},
		{Property: "redundant-call", Outcome: checkers.Violation, Witnesses: witness},
	}
	var f failures
	for i, p := range [][]faults.Fault{
		{at("slow", saga.Request), at("lose", saga.Response)}, {at("crash-orchestrator", saga.Commit)}, {at("lose", saga.Response)},
	} {
		f.watch(string(rune('a'+i)), history.Header{Scenario: "order"}, faults.Plan{Faults: p}, broken)
	}
	if len(f.first) != 1 {
		t.Errorf("%d failures: advice is none", len(f.first))
	}
	if got := f.first[finding{"duplicate-effect", "order"}].cell; got != "c" {
		t.Errorf("first is %s, want c: one fault, and no process killed", got)
	}
}
