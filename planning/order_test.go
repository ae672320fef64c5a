package planning

import (
	"slices"
	"testing"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/scenarios"
)

// What is like nothing before comes first: of each space, and of all together.
func TestNewestFirst(t *testing.T) {
	at := func(step string, attempt int, phase saga.Phase) faults.Fault {
		return unavailable(saga.FailurePoint{Step: step, Direction: saga.Action, Attempt: attempt, Phase: phase})
	}
	plan := func(fs ...faults.Fault) faults.Plan { return faults.Plan{Faults: fs} }
	d := chain("s-1", "a", "b")
	first, alike, other := plan(at("a", 1, saga.Receive)), plan(at("b", 1, saga.Receive)), plan(lost(saga.FailurePoint{Step: "a", Direction: saga.Action, Attempt: 1, Phase: saga.Response}))
	var got []int
	var telling []bool
	for _, o := range InOrder([]Space{{Name: "one", Definitions: []saga.Definition{d}, Plans: []faults.Plan{first, alike, other}}, {Name: "two", Definitions: []saga.Definition{d}, Plans: []faults.Plan{other, alike}}}) {
		i := slices.IndexFunc([]faults.Plan{first, alike, other}, func(p faults.Plan) bool { return p.ID() == o.Plan.ID() })
		got, telling = append(got, o.Space*10+i), append(telling, o.Telling)
	}
	if want := []int{0, 12, 1, 11, 2}; !slices.Equal(got, want) {
		t.Errorf("got %d, want %d", got, want)
	}
	if want := []bool{true, true, true, false, false}; !slices.Equal(telling, want) {
		t.Errorf("telling: %v, want %v", telling, want)
	}
}

// No plan is lost on the way, and the order depends on nothing but the plans.
func TestOrderKeepsEachPlan(t *testing.T) {
	var spaces []Space
	n := 0
	for _, s := range scenarios.All() {
		defs := sagasOf(s)
		spaces = append(spaces, Space{Name: s.Name, Definitions: defs, Plans: Curated(defs, Ability{Process: true, Operator: true})})
		n += len(spaces[len(spaces)-1].Plans)
	}
	all := InOrder(spaces)
	if all[0].Space != 0 || len(all[0].Plan.Faults) > 0 {
		t.Errorf("it begins with %s", all[0].Plan)
	}
	for i, o := range InOrder(spaces) {
		if all[i].Space != o.Space || all[i].Plan.ID() != o.Plan.ID() {
			t.Fatalf("plan %d is another one", i)
		}
	}
	slices.SortFunc(all, func(a, b Ordered) int { return a.Space - b.Space })
	for i, s := range spaces {
		of := map[string]bool{}
		for _, o := range all {
			if o.Space == i {
				of[o.Plan.ID()] = true
			}
		}
		if len(of) != len(s.Plans) {
			t.Errorf("%s: %d plans of %d", s.Name, len(of), len(s.Plans))
		}
	}
	if len(all) != n {
		t.Errorf("%d plans of %d", len(all), n)
	}
}
