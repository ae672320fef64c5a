package campaign

import (
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/results"
)

// An orchestrator that forgets its sagas is not waited for in every cell that kills it: what
// need not run is counted, with why, and such a run is never green.
func TestFewAlikeAreEnough(t *testing.T) {
	t.Parallel()
	o := RunOptions{Settings: Defaults(), Curated: true}
	o.Scenarios, o.Defects, o.Properties = []string{"single-step"}, []string{"no-recovery"}, []string{"stuck-saga"}
	o.Out, o.Settle, o.Scale, o.MaxAlike, o.Processes = t.TempDir(), time.Second/2, 2, 2, 2
	done, err := Run(t.Context(), Host{}, o)
	if err != nil {
		t.Fatal(err)
	}
	left := 0
	for _, n := range done.Run.LeftOut {
		left += n.Plans
		if want := "2 cells with a kill of the orchestrator failed after the whole --settle of 1s"; !strings.HasPrefix(n.Reason, want) {
			t.Errorf("%d plans: %s: expected %s", n.Plans, n.Reason, want)
		}
	}
	if left == 0 || done.Run.Summary.Exit != results.ExitViolation {
		t.Errorf("%d plans left out, exit %d: %v", left, done.Run.Summary.Exit, done.Run.Summary.Reasons)
	}
}

// Of each scenario one is run, and other kinds of faults are others.
func TestOneOfEachScenarioIsRun(t *testing.T) {
	crash := faults.Plan{Faults: []faults.Fault{{Kind: "lose"}, {Kind: "crash-orchestrator"}}}
	lose := faults.Plan{Faults: crash.Faults[:1]}
	slow := func(scenario string, p faults.Plan) harness.Result {
		return harness.Result{Cell: harness.Cell{Scenario: scenario, Plan: p}, Duration: 2 * time.Second}
	}
	a := newAlike(2, time.Second)
	for _, r := range []harness.Result{slow("order", crash), slow("order", lose)} {
		a.fail(r)
		if why := a.skip(r.Cell); why != "" {
			t.Errorf("one failure: %s", why)
		}
	}
	quick := slow("order", crash)
	quick.Duration = time.Millisecond
	a.fail(quick)
	if why := a.skip(quick.Cell); why != "" {
		t.Errorf("one slow failure: %s", why)
	}
	a.fail(slow("order", crash))
	for name, want := range map[string]bool{"order": true, "booking": false} {
		if why := a.skip(slow(name, crash).Cell); (why != "") != want {
			t.Errorf("%s is skipped: %q, expected %v", name, why, want)
		}
	}
	if why := a.skip(slow("order", lose).Cell); why != "" {
		t.Errorf("another kind: %s", why)
	}
}
