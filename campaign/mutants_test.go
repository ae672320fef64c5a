package campaign

import (
	"context"
	"slices"
	"testing"

	"github.com/sagacheck/sagacheck/planning"
	"github.com/sagacheck/sagacheck/saga"
)

// Each planted defect has a plan that is made for it: a thread's, or a known one.
// Each plan is valid, and its faults lie on operations that its scenario has.
func TestEachDefectHasAPlan(t *testing.T) {
	for _, m := range allMutants() {
		own, err := made(m, 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(own) == 0 && !m.Equivalent {
			t.Errorf("%s: no plan is made for it", m.Name)
		}
		for _, x := range own {
			if err := x.plan.Validate(); err != nil {
				t.Errorf("%s in %s: %v", m.Name, x.scenario.Name, err)
			}
			for _, f := range x.plan.Faults {
				if _, ok := blueprint(x.scenario)[0].Call(f.At.Ref()); !ok && !f.At.IsZero() && f.At.Step != saga.SubmitStep {
					t.Errorf("%s in %s: %s lies on no operation", m.Name, x.scenario.Name, f)
				}
			}
		}
	}
}

// Known plans name defects that exist.
func TestKnownPlansHaveDefects(t *testing.T) {
	all, err := knownPlans()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range all {
		if !slices.ContainsFunc(allMutants(), func(m mutant) bool { return m.Name == k.Defect && !m.Equivalent }) {
			t.Errorf("mutants.yaml: no planted defect is called %q", k.Defect)
		}
	}
}

// A search by exact plans and one by chance meet the same scenarios in the same
// order, so that nothing but the placing of faults differs.
func TestSearchesDifferInTheirPlansOnly(t *testing.T) {
	list, err := chooseScenarios(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &testbed{measurement: &measurement{options: MutateOptions{Seed: 3}, scenarios: list}, mutant: mutant{process: true}}
	names := func(draw drawing) (all []string) {
		for x := range b.drawn(draw, 5, 40) {
			all = append(all, x.scenario.Name)
		}
		return all
	}
	exact, chance := names(planning.Draw), names(planning.Chance)
	if len(exact) != 40 || !slices.Equal(exact, chance) {
		t.Errorf("exact: %v\nchance: %v", exact, chance)
	}
}

func TestChooseMutants(t *testing.T) {
	some, err := chooseMutants([]string{"compensate-*", "no-dedupe"})
	if err != nil || len(some) < 5 || !slices.ContainsFunc(some, func(m mutant) bool { return m.Place == "participant" }) {
		t.Errorf("%d defects, %v", len(some), err)
	}
	if _, err := chooseMutants([]string{"tpyo"}); err == nil {
		t.Error("a glob that matches nothing is accepted")
	}
}

// A search that is over makes no more plans: mutants --quick --max-time 1s made those of all scenarios for
// each defect, for a minute.
func TestNoPlansForASearchThatIsOver(t *testing.T) {
	list, err := chooseScenarios([]string{"single-step"})
	if err != nil {
		t.Fatal(err)
	}
	b := &testbed{measurement: &measurement{options: MutateOptions{Seed: 3}, scenarios: list}, mutant: mutant{process: true}}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	plans := b.curated(ctx, list)
	for range plans {
		cancel()
		break
	}
	if ctx.Err() == nil {
		t.Error("no plan before the end")
	}
	for p := range plans {
		t.Fatalf("a plan after the end: %v", p.plan)
	}
}
