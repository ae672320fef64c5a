package campaign

import (
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/planning"
	"github.com/sagacheck/sagacheck/saga"
)

// A plan of the user's may have keys forgotten only where they are, and not sooner than
// they live.
func TestForgottenKeysOfAPlan(t *testing.T) {
	a := planning.Ability{Process: true, Keys: map[string]time.Duration{"charge": 300 * time.Millisecond}}
	for _, c := range []struct {
		step  string
		delay int
		want  string // in the error; empty: none
	}{
		{"charge", 300, ""},
		{"charge(2)", 400, ""},
		{"charge", 299, "delay_ms: 299: expected 300 or more"},
		{"reserve", 400, "remembers keys for ever"},
	} {
		f := faults.Fault{Kind: "forget-keys", At: saga.FailurePoint{Step: c.step, Attempt: 1, Phase: saga.Commit}, DelayMS: c.delay}
		err := forgettable(a, f)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if (err == nil) != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s for %d ms: %q, expected %q", c.step, c.delay, got, c.want)
		}
	}
}
