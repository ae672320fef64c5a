package planning

import (
	"reflect"
	"testing"

	"github.com/sagacheck/sagacheck/saga"
)

// Plans by chance are valid, the same for the same seed, and made of windows: they
// know no failure point.
func TestChancePlans(t *testing.T) {
	defs := []saga.Definition{chain("s", "reserve", "charge", "ship")}
	seen := map[string]int{}
	for seed := range uint64(500) {
		p := Chance(defs, Ability{Process: true, Store: true}, seed)
		if err := p.Validate(); err != nil || len(p.Faults) == 0 || len(p.Faults) > mostWindows {
			t.Fatalf("seed %d: %v: %v", seed, p, err)
		}
		if !reflect.DeepEqual(p, Chance(defs, Ability{Process: true, Store: true}, seed)) {
			t.Fatalf("seed %d: another plan the second time", seed)
		}
		for _, f := range p.Faults {
			seen[f.Kind]++
			if !f.At.IsZero() {
				t.Errorf("seed %d: %s has a failure point", seed, f)
			}
		}
	}
	for _, k := range []string{"outage", "latency", "error-rate", "orchestrator-outage", "store-outage"} {
		if seen[k] == 0 {
			t.Errorf("no plan has the kind %s: %v", k, seen)
		}
	}
}

// What the orchestrator can't be given is not drawn.
func TestChanceKeepsToTheAbility(t *testing.T) {
	for seed := range uint64(200) {
		if p := Chance([]saga.Definition{chain("s", "reserve")}, Ability{}, seed); p.NeedsProcess() {
			t.Fatalf("seed %d: %v", seed, p)
		}
	}
}
