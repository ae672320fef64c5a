package harness_test

import (
	"slices"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/planning"
	"github.com/sagacheck/sagacheck/saga"
)

// Drift happens once, is told by the reference executor, and nothing else is blamed for it.
func TestDriftIsTold(t *testing.T) {
	s := scenario(t, "booking")
	plans := slices.DeleteFunc(planning.Curated([]saga.Definition{blueprint(s)}, planning.Ability{Reconciles: true}), func(p faults.Plan) bool {
		return !slices.ContainsFunc(p.Faults, func(f faults.Fault) bool { return f.Kind == "drift" })
	})
	if len(plans) != 5 {
		t.Fatalf("%d curated plans have drift, want 5", len(plans))
	}
	for _, r := range runPlans(t, startLocal(t), s, participants.Fenced, plans) {
		count := map[history.Kind]int{}
		var drifted time.Duration
		for _, e := range r.History.Events {
			count[e.Kind]++
			switch {
			case e.Kind == history.Drifted:
				drifted = e.At
			case e.Kind == history.DriftTold && (e.Found <= 0 || e.Found > e.At || history.FoundBefore(e.Found, drifted)):
				t.Errorf("%s: drifted at %v, found at %v, told at %v", r.Cell.Plan, drifted, e.Found, e.At)
			}
		}
		if count[history.Drifted] != 1 || count[history.DriftTold] != 1 || count[history.DriftRead] != 1 {
			t.Errorf("%s: %v", r.Cell.Plan, count)
		}
		for _, v := range checkers.Judge(r.History, checkers.All()) {
			if v.Outcome == checkers.Violation || (v.Property == "drift-unnoticed" || v.Property == "wrong-repair") && v.Outcome != checkers.Pass {
				t.Errorf("%s: %s: %+v", r.Cell.Plan, v.Property, v)
			}
		}
	}
}

// inRounds is a system that asks between the rounds of a step, and looks for no drift.
type inRounds struct{ orchestrators.System }

func (inRounds) Info() history.Orchestrator {
	return history.Orchestrator{Name: "in-rounds", Capabilities: []string{"max-attempts", "permanent-errors", "idempotency-key", "rounds"}}
}

// Who asks between the rounds of a step is told where, and need not tell of drift.
func TestRoundsWithoutReconcile(t *testing.T) {
	sys := inRounds{startLocal(t)}
	plan := faults.Plan{Faults: []faults.Fault{{Kind: "lose", At: mustPoint("charge#1@response")}, {Kind: "lose", At: mustPoint("charge#2@response")}}}
	for _, r := range runPlans(t, sys, scenario(t, "rounds"), participants.Fenced, []faults.Plan{plan}) {
		for _, e := range r.History.Events {
			if e.Kind == history.DriftRead {
				t.Error("asked for drift")
			}
		}
		if ix := history.NewIndex(r.History); len(ix.Sagas[0].Reads) == 0 || ix.Sagas[0].Ended.Status != saga.Completed {
			t.Errorf("reads %v, ended %+v", ix.Sagas[0].Reads, ix.Sagas[0].Ended)
		}
		for _, v := range checkers.Judge(r.History, checkers.All()) {
			if v.Outcome == checkers.Violation || v.Property == "drift-unnoticed" && v.Outcome != checkers.NotApplicable {
				t.Errorf("%s: %s %v", v.Property, v.Outcome, v.Witnesses)
			}
		}
	}
}

// What was undone before it would drift can't: the fault did not fire, and that is nobody's failure.
func TestNothingIsLeftToDrift(t *testing.T) {
	plan := faults.Plan{Faults: []faults.Fault{
		{Kind: "drift", At: mustPoint("flight#1@commit"), As: faults.DriftRemoved, DelayMS: 300},
		{Kind: "reject", At: mustPoint("car#1@receive")},
	}}
	for _, r := range runPlans(t, startLocal(t), scenario(t, "booking"), participants.Fenced, []faults.Plan{plan}) {
		for _, e := range r.History.Events {
			if e.Kind == history.Drifted || e.Kind == history.FaultFired && *e.Fault == 0 {
				t.Errorf("%+v", e)
			}
		}
	}
}
