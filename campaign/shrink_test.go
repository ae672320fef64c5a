package campaign

import (
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/results"
	"github.com/sagacheck/sagacheck/saga"
)

func TestShrinkBudgetIsChecked(t *testing.T) {
	f := Shrink{On: true, MaxRuns: 5}
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

// A try that was run once more, since a fault of it had missed, counts once, and what its first run showed counts.
func TestATryCountsOnce(t *testing.T) {
	shown := newShown(3)
	fired := harness.Result{}
	for n, outcomes := range [][]checkers.Outcome{{checkers.Violation, checkers.Pass}, {checkers.Pass, checkers.Pass}, {checkers.Vacuous}} {
		for _, o := range outcomes {
			shown.add(n, fired, checkers.Verdict{Outcome: o, AtRisk: 1})
		}
	}
	if got, want := shown.rate(), (results.Rate{Hits: 1, Tries: 2}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
