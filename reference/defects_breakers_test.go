package reference

import (
	"testing"

	"github.com/sagacheck/sagacheck/saga"
)

func TestDefectsOfBreakersThatOpenEarly(t *testing.T) {
	opens := func(name string, outcomes ...passage) bool {
		b := newBreaker(saga.Breaker{Name: "b", Failures: 3, OpenMS: 60_000, Probes: 1}, defects{name: true})
		for _, p := range outcomes {
			done, ok := b.acquire()
			if !ok {
				return true
			}
			done(p)
		}
		_, ok := b.acquire()
		return !ok
	}
	for _, tt := range []struct {
		name     string
		outcomes []passage
	}{
		{"breaker-opens-early", []passage{failed, failed}},
		{"breaker-adds-up", []passage{failed, failed, passed, failed}},
	} {
		if opens("", tt.outcomes...) || !opens(tt.name, tt.outcomes...) {
			t.Errorf("%s: without it %v, with it %v", tt.name, opens("", tt.outcomes...), opens(tt.name, tt.outcomes...))
		}
	}
	if d := (defects{"refusals-open-breaker": true}); !d.opensFor(saga.Permanent) || (defects{}).opensFor(saga.Permanent) || d.opensFor(saga.Done) {
		t.Error("refusals")
	}
}
