package planning

import (
	"slices"
	"testing"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/scenarios"
)

// Wherever a saga has two steps at which it shows, policies and flags are changed at them
// by curated plans, and by none where nobody can.
func TestGovernedPairsHavePlans(t *testing.T) {
	pairs := 0
	for _, s := range scenarios.All() {
		defs := sagasOf(s)
		plans := Curated(defs, Ability{Process: true, Governs: true})
		_, _, ok := defs[0].GovernedPair()
		ok = ok && !(&ending{d: defs[0], several: compete(defs)}).contested()
		if ok {
			pairs++
		}
		for _, kind := range []string{"change-policy", "set-flag"} {
			has := func(p faults.Plan) bool {
				return slices.ContainsFunc(p.Faults, func(f faults.Fault) bool { return f.Kind == kind })
			}
			if slices.ContainsFunc(plans, has) != ok {
				t.Errorf("%s: %s is planned: %v, and it has a pair: %v", s.Name, kind, !ok, ok)
			}
			if slices.ContainsFunc(Curated(defs, Ability{Process: true}), has) {
				t.Errorf("%s: %s is planned for an orchestrator that can't be governed", s.Name, kind)
			}
		}
	}
	if pairs < 3 {
		t.Errorf("only %d scenarios have such a pair", pairs)
	}
}
