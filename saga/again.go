package saga

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The rounds of a saga: one that was rolled back because attempts came to nothing is run forward
// again, from its first step, when all of it is undone. Whoever is called in a later round has done, and
// undone, the same in an earlier one; so each round's operations are others, with keys of their own: in
// round 2 the step charge is called charge(2).

// mostRoundsOfSaga keeps its end in sight.
const mostRoundsOfSaga = 10

// HasRounds tells whether the saga may be run forward more than once.
func (d Definition) HasRounds() bool { return d.Rounds > 1 }

// RoundDelay is the wait before another round, from when all of the one before is undone.
func (d Definition) RoundDelay() time.Duration {
	return time.Duration(d.RoundDelayMS) * time.Millisecond
}

// InRound is the saga as it is in a round, from 1: the steps of a later one have its number behind
// their names. It must be the definition as it was submitted.
func (d Definition) InRound(n int) Definition {
	if d.Round = n; n < 2 {
		return d
	}
	d.Steps = slices.Clone(d.Steps)
	for i := range d.Steps {
		s := &d.Steps[i]
		s.Name = InRound(s.Name, n)
		if s.After != nil {
			s.After = append([]string{}, s.After...)
			for j := range s.After {
				s.After[j] = InRound(s.After[j], n)
			}
		}
	}
	return d
}

// AllRounds are the steps of all rounds.
func (d Definition) AllRounds() []Step {
	all := slices.Clone(d.Steps)
	for n := 2; n <= d.Rounds; n++ {
		all = append(all, d.InRound(n).Steps...)
	}
	return all
}

// InRound is the name of a step in a round of its saga.
func InRound(step string, n int) string {
	if n < 2 {
		return step
	}
	return step + "(" + strconv.Itoa(n) + ")"
}

// RoundOf is the name of a step without the number of a round, and that. What is no round that a
// saga may have is part of the name.
func RoundOf(step string) (name string, n int) {
	name, number, ok := strings.Cut(strings.TrimSuffix(step, ")"), "(")
	n, err := strconv.Atoi(number)
	if !ok || err != nil || n < 2 || n > mostRoundsOfSaga || InRound(name, n) != step {
		return step, 1
	}
	return name, n
}

// FirstName is the name of step i in the definition as it was submitted.
func (d Definition) FirstName(i int) string {
	if d.Round < 2 {
		return d.Steps[i].Name
	}
	name, _ := RoundOf(d.Steps[i].Name)
	return name
}

// validateRounds refuses rounds in which something would be done twice.
func (d Definition) validateRounds() error {
	switch {
	case d.Rounds < 0 || d.Rounds > mostRoundsOfSaga:
		return fmt.Errorf("rounds: %d: expected 0 to %d", d.Rounds, mostRoundsOfSaga)
	case d.RoundDelayMS < 0:
		return fmt.Errorf("round_delay_ms: %d: expected 0 or more", d.RoundDelayMS)
	case d.RoundDelayMS > 0 && !d.HasRounds():
		return fmt.Errorf("round_delay_ms: %d: expected rounds of 2 or more", d.RoundDelayMS)
	case !d.HasRounds():
		return nil
	}
	for i, s := range d.Steps {
		if err := s.validateAgain(); err != nil {
			return fmt.Errorf("steps[%d].%w", i, err)
		}
	}
	return nil
}

func (s Step) validateAgain() error {
	switch {
	case strings.Contains(s.Name, "("):
		return fmt.Errorf("name: %q: expected no number behind it in a saga with rounds, which number their steps", s.Name)
	case s.FallbackFor != "":
		return errors.New("fallback_for: expected none in a saga with rounds")
	case s.Compensation == nil && (s.Kind == Compensatable || s.Kind == Deferrable):
		return errors.New("compensation: must be given in a saga with rounds: the step would be done again in each")
	}
	return nil
}
