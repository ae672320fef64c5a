package harness_test

import (
	"cmp"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/participants"
	participantdefects "github.com/sagacheck/sagacheck/participants/defects"
	"github.com/sagacheck/sagacheck/planning"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/scenarios"
)

// parallel is how many cells the tests run at once: with more of them, and the race detector,
// attempts time out by themselves on a busy machine, and what they should have met is not met.
const parallel = 8

func blueprint(s *scenarios.Scenario) saga.Definition {
	defs, _ := s.Build([]string{"s-1"}, func(int, saga.StepRef) string { return "http://127.0.0.1/" })
	return defs[0]
}

// runPlans runs one cell a plan and returns the results by plan.
func runPlans(t *testing.T, sys orchestrators.System, s *scenarios.Scenario, profile participants.Profile, plans []faults.Plan) []harness.Result {
	t.Helper()
	var results []harness.Result
	eachPlan(t, sys, s, profile, plans, nil, func(r harness.Result) bool {
		results = append(results, r)
		return true
	})
	return results
}

// eachPlan runs one cell a plan until a result is the last that is wanted.
func eachPlan(t *testing.T, sys orchestrators.System, s *scenarios.Scenario, profile participants.Profile, plans []faults.Plan, rules *participants.Rules, more func(harness.Result) bool) {
	t.Helper()
	h, err := harness.New(harness.Options{System: sys, Parallel: parallel, Dir: t.TempDir(), Settle: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err = h.Run(ctx, func(yield func(harness.Cell) bool) {
		for _, p := range plans {
			if !yield(harness.Cell{ID: nextID(), Scenario: s.Name, Source: s, Sagas: max(s.Sagas, 1), Plan: p, Profile: profile, Rules: rules}) {
				return
			}
		}
	}, func(r harness.Result) {
		if r.Err != nil {
			t.Errorf("%s: %v", r.Cell.Plan, r.Err)
		}
		if !more(r) {
			cancel()
		}
	})
	if err != nil && ctx.Err() == nil {
		t.Error(err)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}

func fired(h *history.History) map[int]bool {
	all := map[int]bool{}
	for _, e := range h.Events {
		if e.Kind == history.FaultFired {
			all[*e.Fault] = true
		}
	}
	return all
}

// TestCuratedPlansFire: against the reference executor every planned fault fires
// and leaves its evidence, and nothing is violated with fenced participants. No
// goroutine and no file descriptor outlives the harness.
func TestCuratedPlansFire(t *testing.T) {
	sys := startLocal(t)
	before := goleak.IgnoreCurrent()
	files := openFiles(t)
	s := scenario(t, "order")
	plans := planning.Curated([]saga.Definition{blueprint(s)}, planning.Ability{Operator: true, Versions: true})
	if len(plans) < 50 {
		t.Fatalf("only %d curated plans", len(plans))
	}
	slices.SortStableFunc(plans, func(p, q faults.Plan) int { return len(q.Faults) - len(p.Faults) }) // what takes longest begins first
	kinds := map[string]bool{}
	for _, r := range runPlans(t, sys, s, participants.Fenced, plans) {
		if r.History == nil {
			continue
		}
		hit := fired(r.History)
		for i, f := range r.Cell.Plan.Faults {
			kinds[f.Kind] = true
			if !hit[i] {
				t.Errorf("%s: fault %d did not fire", r.Cell.Plan, i)
			}
		}
		for _, v := range checkers.Judge(r.History, checkers.All()) {
			if v.Outcome == checkers.Violation {
				t.Errorf("%s: %s: %s", r.Cell.Plan, v.Property, v.Witnesses[0].Broken)
			}
		}
	}
	for _, k := range faults.Kinds() {
		if d := k.Doc(); !d.Process && !d.Own && !d.Operates && !d.Drifts && !kinds[d.Name] {
			t.Errorf("no curated plan has the kind %s", d.Name)
		}
	}
	// What asks for status keeps its connections for a while, at both ends.
	kept := []goleak.Option{before, goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"), goleak.IgnoreAnyFunction("net/http.(*conn).serve")}
	goleak.VerifyNone(t, kept...)
	if now, most := openFiles(t), files+2*parallel+4; now > most {
		t.Errorf("%d open files before, %d after, at most %d expected", files, now, most)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(fds)
}

// TestProfiles: the same single fault shows what each protection is good for.
func TestProfiles(t *testing.T) {
	sys := startLocal(t)
	lost := []faults.Plan{{Faults: []faults.Fault{{Kind: "lose", At: mustPoint("charge#1@response")}}}}
	late := []faults.Plan{{Faults: []faults.Fault{{Kind: "delay", At: mustPoint("payment#1@request"), DelayMS: 600}}}}
	for _, c := range []struct {
		scenario string
		plans    []faults.Plan
		profile  participants.Profile
		property string
		want     checkers.Outcome
	}{
		{"order", lost, participants.Naive, "duplicate-effect", checkers.Violation},
		{"order", lost, participants.Naive, "double-credit", checkers.Violation},
		{"order", lost, participants.Keyed, "duplicate-effect", checkers.Pass},
		{"order", lost, participants.Fenced, "duplicate-effect", checkers.Pass},
		{"booking", late, participants.Keyed, "hanging-action", checkers.Violation},
		{"booking", late, participants.Fenced, "hanging-action", checkers.Pass},
	} {
		t.Run(c.scenario+"/"+string(c.profile)+"/"+c.property, func(t *testing.T) {
			t.Parallel()
			r := runPlans(t, sys, scenario(t, c.scenario), c.profile, c.plans)[0]
			checker, _ := checkers.ByName(c.property)
			if v := checkers.Judge(r.History, []checkers.Checker{checker})[0]; v.Outcome != c.want {
				t.Errorf("got %+v, want %s", v, c.want)
			}
		})
	}
}

// TestParticipantDefects: each planted bug of the participants is found by its
// own checker under some curated plan.
func TestParticipantDefects(t *testing.T) {
	t.Parallel()
	sys := startLocal(t)
	shared := map[string]string{"lost-update": "seat", "dirty-read": "voucher"} // they take sagas that share a register
	for _, d := range participantdefects.All() {
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			checker, ok := checkers.ByName(d.Anomaly)
			if !ok {
				t.Fatalf("no checker %q", d.Anomaly)
			}
			rules, err := participantdefects.Rules(d.Name)
			if err != nil {
				t.Fatal(err)
			}
			s := scenario(t, cmp.Or(shared[d.Anomaly], "booking"))
			found := false
			plans := planning.Curated([]saga.Definition{blueprint(s)}, planning.Ability{})
			eachPlan(t, sys, s, d.Profile, plans, rules, func(r harness.Result) bool {
				found = found || r.History != nil && checkers.Judge(r.History, []checkers.Checker{checker})[0].Outcome == checkers.Violation
				return !found
			})
			if !found {
				t.Errorf("%s did not find it", d.Anomaly)
			}
		})
	}
}

// TestInterrupt: a cancelled context ends a run soon, and what was under way is
// dropped.
func TestInterrupt(t *testing.T) {
	h, err := harness.New(harness.Options{System: startLocal(t), Parallel: 4})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s := scenario(t, "order")
	n := 0
	err = h.Run(ctx, func(yield func(harness.Cell) bool) {
		for yield(harness.Cell{ID: nextID(), Scenario: s.Name, Source: s, Sagas: 1, Profile: participants.Fenced}) {
		}
	}, func(harness.Result) {
		if n++; n == 3 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || n < 3 {
		t.Errorf("got error %v after %d cells", err, n)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}

// A saga that waits for a person does not keep its cell until the settle time is
// over: nobody comes.
func TestStuckCellEnds(t *testing.T) {
	t.Parallel()
	sys := startLocal(t)
	refused := faults.Plan{Faults: []faults.Fault{
		{Kind: "reject", At: mustPoint("ship#1@receive")}, {Kind: "reject", At: mustPoint("charge.undo#1@receive")},
	}}
	r := runPlans(t, sys, scenario(t, "order"), participants.Fenced, []faults.Plan{refused})[0]
	settled := history.NewIndex(r.History).Settled
	if settled == nil || !strings.Contains(settled.Detail, "stuck") {
		t.Fatalf("settled: %+v", settled)
	}
	if settled.At > 5*time.Second {
		t.Errorf("settled after %v", settled.At)
	}
}
