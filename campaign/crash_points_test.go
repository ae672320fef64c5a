package campaign

import (
	"flag"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/scenarios"
)

var (
	crashScenario     = flag.String("crash-scenario", "booking", "scenarios of TestEveryCrashPoint: globs, with commas between them")
	crashOrchestrator = flag.String("crash-orchestrator", "reference-postgres", "orchestrator of TestEveryCrashPoint")
)

// TestEveryCrashPoint kills the executor at every crash point of a saga: each step,
// each direction, each phase at which a kill can be placed, at the first and at the
// second attempt. Then once more with a store outage that begins with the kill, so
// that what was being written is torn and the recovery finds no store.
func TestEveryCrashPoint(t *testing.T) {
	t.Parallel()
	o := Defaults()
	o.Orchestrator, o.Scenarios, o.Processes = *crashOrchestrator, strings.Split(*crashScenario, ","), 4
	o.Properties = []string{"stuck-saga", "lost-saga", "partial-success", "lost-compensation", "duplicate-*", "double-credit", "hanging-action", "false-status"}
	x := openSession(t, o)
	var plans []planned
	for _, s := range x.subjects() {
		for _, p := range crashPlans(s.blueprint()[0]) {
			plans = append(plans, planned{s, p, 1})
		}
	}
	killed := x.runAll(t, plans)
	var torn []planned
	for _, r := range killed {
		after, ok := killedAfter(r.History)
		if !ok {
			continue
		}
		s := slices.IndexFunc(x.scenarios, func(s *scenarios.Scenario) bool { return s.Name == r.Cell.Scenario })
		for _, early := range []int{0, 2} {
			outage := faults.Fault{Kind: "store-outage", FromMS: max(0, after-early), ForMS: 120}
			torn = append(torn, planned{scenarioSubject(x.scenarios[s]), faults.Plan{Faults: append(slices.Clone(r.Cell.Plan.Faults), outage)}, 1})
		}
	}
	x.runAll(t, torn)
	t.Logf("%d kills at %d crash points, %d kills in a store outage", len(killed), len(plans), len(torn))
	// Where sagas compete for one register, which of them gets to a point is chance.
	if len(killed) == 0 || len(killed) < len(plans)*9/10 {
		t.Errorf("%d of %d kills struck", len(killed), len(plans))
	}
}

func openSession(t testing.TB, o Settings) *session {
	t.Helper()
	o.Out = t.TempDir()
	x, err := open(t.Context(), Host{}, o, "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.close(); err != nil {
			t.Error(err)
		}
	})
	return x
}

// runAll runs the plans and complains about all that is broken. It returns the
// cells whose faults have all fired.
func (x *session) runAll(t *testing.T, plans []planned) (struck []harness.Result) {
	t.Helper()
	x.harness.Again = reruns
	var mu sync.Mutex
	err := x.harness.Run(t.Context(), x.cellsOf(slices.Values(plans)), func(r harness.Result) {
		mu.Lock()
		defer mu.Unlock()
		if r.Err != nil || r.History == nil {
			t.Errorf("%s, %s: %v", r.Cell.Scenario, r.Cell.Plan, r.Err)
			return
		}
		for _, v := range checkers.Judge(r.History, x.checkers) {
			if v.Outcome == checkers.Violation || v.Outcome == checkers.Inconclusive {
				t.Errorf("%s, %s: %s: %s %s %+v", r.Cell.Scenario, r.Cell.Plan, v.Property, v.Outcome, v.Reason, v.Witnesses)
			}
		}
		if len(history.NewIndex(r.History).Fired) == len(r.Cell.Plan.Faults) {
			struck = append(struck, r)
		} else if !r.Spoilt {
			t.Logf("%s, %s: not every fault fired", r.Cell.Scenario, r.Cell.Plan)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return struck
}

// killedAfter is when the first kill of a cell struck, in milliseconds after the first call.
func killedAfter(h *history.History) (int, bool) {
	var first time.Duration
	for _, e := range h.Events {
		switch {
		case e.Kind == history.CallSent && e.Step != saga.SubmitStep && first == 0:
			first = e.At
		case e.Kind == history.ProcessKilled && first > 0:
			return int((e.At - first) / time.Millisecond), true
		}
	}
	return 0, false
}

// crashPlans kill the executor at each crash point that a saga is sure to reach.
func crashPlans(d saga.Definition) []faults.Plan {
	var plans []faults.Plan
	for _, s := range d.Steps {
		for _, dir := range []saga.Direction{saga.Action, saga.Compensation} {
			ref := saga.StepRef{Step: s.Name, Direction: dir}
			call, ok := d.Call(ref)
			way, reached := wayTo(d, s, dir)
			if !ok || !reached {
				continue
			}
			for _, phase := range []saga.Phase{saga.Receive, saga.Commit, saga.Response} {
				for n := 1; n <= 2 && (call.Retry.MaxAttempts == 0 || n <= call.Retry.MaxAttempts); n++ {
					at := saga.FailurePoint{Step: s.Name, Direction: dir, Attempt: n, Phase: phase}
					p := faults.Plan{Faults: slices.Clone(way)}
					if n == 2 {
						before := at
						before.Attempt, before.Phase = 1, saga.Receive
						p.Faults = append(p.Faults, faults.Fault{Kind: "unavailable", At: before})
					}
					p.Faults = append(p.Faults, faults.Fault{Kind: "crash-orchestrator", At: at, DelayMS: 5})
					plans = append(plans, p)
				}
			}
		}
	}
	return plans
}

// wayTo are the faults that get a step compensated: a refusal of a later step. An
// action needs none.
func wayTo(d saga.Definition, s saga.Step, dir saga.Direction) ([]faults.Fault, bool) {
	if dir == saga.Action {
		return nil, true
	}
	for i := range d.Steps {
		later := d.Steps[i]
		if later.Kind != saga.Compensatable && later.Kind != saga.Pivot || !slices.Contains(d.Predecessors(i), s.Name) {
			continue
		}
		at := saga.FailurePoint{Step: later.Name, Direction: saga.Action, Attempt: 1, Phase: saga.Receive}
		return []faults.Fault{{Kind: "reject", At: at}}, true
	}
	return nil, false
}
