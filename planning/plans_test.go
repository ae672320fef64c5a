package planning

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/goccy/go-yaml"
	"pgregory.net/rapid"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/scenarios"
)

// sagasOf are the definitions of a scenario's sagas.
func sagasOf(s *scenarios.Scenario) []saga.Definition {
	var ids []string
	for n := range s.Sagas {
		ids = append(ids, fmt.Sprintf("s-%d", n+1))
	}
	defs, _ := s.Build(ids, func(int, saga.StepRef) string { return "http://127.0.0.1/" })
	return defs
}

var able = Ability{Process: true, Store: true, Operator: true}

// fit: a plan that we make ourselves is one that a user could write: it is valid,
// it can hit the sagas that it was made for, and it is read back as it was written.
func fit(t rapid.TB, what string, defs []saga.Definition, p faults.Plan) {
	t.Helper()
	if err := p.Validate(); err != nil {
		t.Fatalf("%s: %s: %v", what, p, err)
	}
	if err := p.Fits(defs); err != nil {
		t.Fatalf("%s: %s: %v", what, p, err)
	}
	asYAML, err := yaml.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range [][]byte{asYAML, asJSON} {
		q, err := faults.ParsePlan(text)
		if err != nil {
			t.Fatalf("%s: %s: %v\n%s", what, p, err, text)
		}
		if q.ID() != p.ID() || len(p.Faults) > 0 && !reflect.DeepEqual(q.Faults, p.Faults) {
			t.Fatalf("%s: %s reads back as %s\n%s", what, p, q, text)
		}
	}
}

func TestCuratedPlansFit(t *testing.T) {
	for _, s := range scenarios.All() {
		defs := sagasOf(s)
		for _, p := range Curated(defs, able) {
			fit(t, s.Name, defs, p)
		}
	}
}

// Of drawn plans for the catalogue 171 of 20,000 were not valid.
func TestDrawnPlansFit(t *testing.T) {
	for _, s := range scenarios.All() {
		defs := sagasOf(s)
		for seed := range uint64(300) {
			fit(t, s.Name, defs, Draw(defs, able, seed))
			fit(t, s.Name, defs, Chance(defs, able, seed))
		}
	}
}

// For random scenarios too; and so are the plans that a shrinker and an explorer
// make of them.
func TestPlansOfRandomScenariosFit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := scenarios.Generator().Draw(t, "scenario")
		a := Ability{Process: rapid.Bool().Draw(t, "process"), Store: rapid.Bool().Draw(t, "store"), Operator: rapid.Bool().Draw(t, "operator")}
		defs := sagasOf(s)
		for _, p := range Curated(defs, a) {
			fit(t, "curated", defs, p)
		}
		p := draw(t, defs, a)
		fit(t, "drawn", defs, p)
		for _, c := range (Case{Plan: p, Definitions: defs}).Smaller() {
			fit(t, "shrunk", c.Definitions, c.Plan)
		}
		x := NewExplorer([]Space{{Name: s.Name, Definitions: defs, Ability: a}}, 1, false)
		for range 2 {
			for _, probe := range x.Next() {
				fit(t, "explored", defs, probe.Plan)
				x.Learn(probe, pretend(defs[0], probe.Plan))
			}
		}
	})
}

// Who has not promised that a deferrable step is tried again, when it has used up its attempts, gets no
// fault there: it might never be struck.
func TestWhatIsNotDeferredIsNotStruckLater(t *testing.T) {
	d := branches()
	d.Steps = append(slices.Clone(d.Steps), saga.Step{Name: "note", Kind: saga.Deferrable, After: []string{d.Steps[len(d.Steps)-1].Name}, Action: saga.Call{URL: "http://x/note", Retry: d.Steps[0].Action.Retry}})
	i := slices.IndexFunc(d.Steps, func(s saga.Step) bool { return s.Kind == saga.Deferrable })
	most := d.Steps[i].Action.Retry.Most()
	beyond := func(a Ability) (n int) {
		plans := Curated([]saga.Definition{d}, a)
		for seed := range uint64(3000) {
			plans = append(plans, Draw([]saga.Definition{d}, a, seed))
		}
		for _, p := range plans {
			if slices.ContainsFunc(p.Faults, func(f faults.Fault) bool { return f.At.Step == d.Steps[i].Name && f.At.Attempt > most }) {
				n++
			}
		}
		return n
	}
	if n := beyond(Ability{Process: true, Undeferred: true}); n > 0 {
		t.Errorf("%d plans strike attempts that need not be", n)
	}
	if beyond(Ability{Process: true}) == 0 {
		t.Error("no plan strikes what is attempted again later")
	}
}
