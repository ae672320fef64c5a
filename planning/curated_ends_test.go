package planning

import (
	"slices"
	"testing"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// curatedTexts are the curated plans of a saga as a person writes them.
func curatedTexts(d saga.Definition, a Ability) []string {
	var texts []string
	for _, p := range Curated([]saga.Definition{d}, a) {
		texts = append(texts, p.String())
	}
	return texts
}

// The curated plans hold what only shows at the end of a policy, on the way back, and
// where an answer comes too late; and nothing that the orchestrator can't be given.
func TestCuratedEnds(t *testing.T) {
	all := curatedTexts(branches(), able)
	for what, plan := range map[string]faults.Plan{
		"no fault": {},
		"every attempt fails, and nothing was done": {Faults: burst(at("unavailable", "left", 1, saga.Receive), 3)},
		"every answer is lost":                      {Faults: burst(at("lose", "left", 1, saga.Response), 3)},
		"a refusal at the last step":                {Faults: []faults.Fault{at("reject", "last", 1, saga.Receive)}},
	} {
		if !slices.Contains(all, plan.String()) {
			t.Errorf("%s: %q is not among the curated plans", what, plan)
		}
	}
	for _, p := range Curated([]saga.Definition{branches()}, Ability{}) {
		for _, f := range p.Faults {
			k, err := faults.KindByName(f.Kind)
			if err != nil || !(Ability{}).Allows(k.Doc()) {
				t.Errorf("%s needs what the orchestrator has not: %v", p, err)
			}
		}
	}
}

// Each kind that can strike a step is at each of its phases in some plan alone, or after
// what brings the saga there.
func TestCuratedPlansStrikeEachPhase(t *testing.T) {
	type place struct {
		kind  string
		phase saga.Phase
	}
	struck := map[place]bool{}
	for _, p := range Curated([]saga.Definition{branches()}, able) {
		for _, f := range p.Faults {
			struck[place{f.Kind, f.At.Phase}] = true
		}
	}
	for _, k := range faults.Kinds() {
		d := k.Doc()
		if !able.Allows(d) {
			continue
		}
		for _, phase := range d.Phases {
			if !struck[place{d.Name, phase}] {
				t.Errorf("no curated plan has %s at %s", d.Name, phase)
			}
		}
		if d.Window() && !struck[place{d.Name, ""}] {
			t.Errorf("no curated plan has the window %s", d.Name)
		}
	}
}

// The process is killed with the answer to a start, where it can be and the start may be sent again.
func TestKilledAtStart(t *testing.T) {
	for _, c := range []struct {
		a    Ability
		want bool
	}{
		{Ability{Process: true}, true},
		{Ability{Process: true, Once: true}, false},
		{Ability{}, false},
	} {
		kills := slices.ContainsFunc(Curated([]saga.Definition{branches()}, c.a), func(p faults.Plan) bool {
			return len(p.Faults) == 1 && p.Faults[0].Kind == "crash-orchestrator" && p.Faults[0].At.String() == "submit#1@response"
		})
		if kills != c.want {
			t.Errorf("%+v: %v, expected %v", c.a, kills, c.want)
		}
	}
}
