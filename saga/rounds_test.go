package saga

import (
	"strings"
	"testing"
	"time"
)

func inRounds(change func(s *Step)) Definition {
	call := Call{URL: "http://x", Retry: RetryPolicy{MaxAttempts: 2, InitialIntervalMS: 10, MaxIntervalMS: 40, Multiplier: 2, AttemptTimeoutMS: 10}}
	undo := call
	s := Step{Name: "charge", Kind: Compensatable, Action: call, Compensation: &undo, ReadBack: "http://x/held"}
	s.Action.Retry.Rounds, s.Action.Retry.RoundDelayMS = 3, 100
	change(&s)
	return Definition{ID: "s", Steps: []Step{s}}
}

func TestRoundsAreValidated(t *testing.T) {
	if err := inRounds(func(*Step) {}).Validate(); err != nil {
		t.Errorf("rounds: %v", err)
	}
	for want, change := range map[string]func(s *Step){
		`steps[0].action.retry.rounds: -1: expected 0 to 100`:                      func(s *Step) { s.Action.Retry.Rounds = -1 },
		`steps[0].action.retry.rounds: 101: expected 0 to 100`:                     func(s *Step) { s.Action.Retry.Rounds = 101 },
		`steps[0].action.retry.rounds: expected max_attempts of 1 or more`:         func(s *Step) { s.Action.Retry.MaxAttempts = 0 },
		`steps[0].action.retry.round_delay_ms: -1: expected 0 or more`:             func(s *Step) { s.Action.Retry.RoundDelayMS = -1 },
		`steps[0].action.retry.round_delay_ms: 100: expected rounds of 2 or more`:  func(s *Step) { s.Action.Retry.Rounds = 1 },
		`steps[0].action.retry.rounds: expected a compensatable step with a read_`: func(s *Step) { s.ReadBack = "" },
		`steps[0].action.retry.rounds: expected a compensatable step`:              func(s *Step) { s.Kind = Pivot },
		`steps[0].compensation.retry.rounds: expected none: only an action has`:    func(s *Step) { s.Compensation.Retry.Rounds = 2 },
	} {
		if err := inRounds(change).Validate(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s…", err, want)
		}
	}
}

// The waits of each round begin anew, and before it is the wait between rounds.
func TestWaitsInRounds(t *testing.T) {
	p := inRounds(func(*Step) {}).Steps[0].Action.Retry
	p.MaxAttempts = 3
	for n, want := range map[int]int{1: 0, 2: 10, 3: 20, 4: 100, 5: 10, 6: 20, 7: 100} {
		if got := p.Backoff(n); got != time.Duration(want)*time.Millisecond {
			t.Errorf("wait before attempt %d: %v, want %d ms", n, got, want)
		}
	}
	if p.Most() != 9 {
		t.Errorf("%d attempts at the most, want 9", p.Most())
	}
}
