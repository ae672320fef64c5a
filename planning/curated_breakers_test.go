package planning

import (
	"testing"

	"github.com/sagacheck/sagacheck/scenarios"
)

// The catalogue's scenario of a circuit breaker has a plan for each way in which one
// opens too early.
func TestPlansForBreakersThatStayClosed(t *testing.T) {
	for _, s := range scenarios.All() {
		want := 0
		if s.Name == "breaker" {
			want = 3
		}
		plans := early(sagasOf(s))
		if len(plans) != want {
			t.Errorf("%s: %d plans, expected %d", s.Name, len(plans), want)
		}
		for _, p := range plans {
			t.Log(p)
		}
	}
}
