package reports

import (
	"testing"

	"github.com/sagacheck/sagacheck/saga"
)

// Who reads how often an action is attempted reads of all its rounds.
func TestPolicyOfAPostmortem(t *testing.T) {
	retry := saga.RetryPolicy{MaxAttempts: 4, AttemptTimeoutMS: 250}
	for rounds, want := range map[int]string{
		0: "is attempted 4 times at the most, for 250ms at a time",
		3: "is attempted 12 times at the most, in 3 rounds, for 250ms at a time",
	} {
		retry.Rounds = rounds
		if got := pmPolicy(saga.Call{Retry: retry}); got != want {
			t.Errorf("%d rounds: got %q, want %q", rounds, got, want)
		}
	}
}
