package planning

import (
	"slices"
	"testing"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/scenarios"
)

// Wherever a saga has a next version, curated plans have it come, and none does where sagas do not keep theirs.
func TestNextVersionsHavePlans(t *testing.T) {
	some := 0
	for _, s := range scenarios.All() {
		defs := sagasOf(s)
		_, ok := defs[0].Next()
		ok = ok && len(defs) == 1
		if ok {
			some++
		}
		has := func(p faults.Plan) bool {
			return slices.ContainsFunc(p.Faults, func(f faults.Fault) bool { return faults.KindOf(f).Doc().Redefines })
		}
		if slices.ContainsFunc(Curated(defs, Ability{Process: true, Versions: true}), has) != ok {
			t.Errorf("%s: a next version is planned: %v, and it has one: %v", s.Name, !ok, ok)
		}
		if slices.ContainsFunc(Curated(defs, Ability{Process: true}), has) {
			t.Errorf("%s: a next version is planned for an orchestrator that can't keep the one before", s.Name)
		}
	}
	if some < 3 {
		t.Errorf("only %d scenarios have a next version", some)
	}
}
