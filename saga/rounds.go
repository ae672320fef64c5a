package saga

import (
	"errors"
	"fmt"
)

// Rounds: when all attempts of a round have come to nothing, and nobody knows what became of
// them, the participant is asked what it holds before it is called again (Step.ReadBack). What
// is there is done; what is not there is attempted in another round.

// mostRoundsOfStep keeps the end of a step in sight.
const mostRoundsOfStep = 100

// Most is how often a call is attempted at the most, over all rounds; 0: until it succeeds.
func (p RetryPolicy) Most() int { return p.MaxAttempts * max(1, p.Rounds) }

// BeginsRound tells whether attempt n is the first of a round that is not the first one.
func (p RetryPolicy) BeginsRound(n int) bool { return n > 1 && p.Rounds > 1 && p.inRound(n) == 1 }

// inRound is which attempt of its round attempt n is, from 1.
func (p RetryPolicy) inRound(n int) int {
	if p.Rounds < 2 {
		return n
	}
	return (n-1)%p.MaxAttempts + 1
}

// HasRounds tells whether the action is attempted in more than one round.
func (s Step) HasRounds() bool { return s.Action.Retry.Rounds > 1 }

// MayHaveRounds tells whether a step's action may be attempted in rounds: somebody can be asked,
// and it may be given up.
func (s Step) MayHaveRounds() bool { return s.Kind == Compensatable && s.ReadBack != "" }

func (p RetryPolicy) validateRounds() error {
	switch {
	case p.Rounds < 0 || p.Rounds > mostRoundsOfStep:
		return fmt.Errorf("rounds: %d: expected 0 to %d", p.Rounds, mostRoundsOfStep)
	case p.Rounds > 1 && p.MaxAttempts == 0:
		return errors.New("rounds: expected max_attempts of 1 or more, which is that of a round: one without end is the last")
	case p.RoundDelayMS < 0:
		return fmt.Errorf("round_delay_ms: %d: expected 0 or more", p.RoundDelayMS)
	case p.RoundDelayMS > 0 && p.Rounds < 2:
		return fmt.Errorf("round_delay_ms: %d: expected rounds of 2 or more", p.RoundDelayMS)
	}
	return nil
}

func (s Step) validateRounds() error {
	switch {
	case s.HasRounds() && !s.MayHaveRounds():
		return errors.New("action.retry.rounds: expected a compensatable step with a read_back: nobody can be asked between rounds, or it is not given up")
	case s.Compensation != nil && s.Compensation.Retry.Rounds > 1:
		return errors.New("compensation.retry.rounds: expected none: only an action has rounds")
	}
	return nil
}
