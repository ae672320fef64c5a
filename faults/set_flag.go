package faults

import (
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/sagacheck/sagacheck/saga"
)

// The flags of the contract that hold attempts back.
const (
	FlagCompensations = "hold-compensations"
	FlagParticipant   = "hold-participant"
	FlagRetries       = "no-retries"
	FlagDrain         = "drain"
)

// Flags lists them.
func Flags() []string { return []string{FlagCompensations, FlagParticipant, FlagRetries, FlagDrain} }

// setFlag throws a flag of the orchestrator while an attempt is held still, and takes it
// back after delay_ms.
type setFlag struct{}

var _ Kind = setFlag{}

func (setFlag) Doc() KindDoc {
	return KindDoc{
		Name: "set-flag", Phases: []saga.Phase{saga.Receive, saga.Commit}, Fields: []string{"as", "steps", "delay_ms"}, Process: true, Governs: true, Example: FlagParticipant,
		Follows: "what the flag holds back begins when it has been taken back",
		Text:    "a flag of the orchestrator (as: hold-compensations, hold-participant, no-retries or drain) is thrown while the attempt is held still (PUT /flags/NAME), and taken back after delay_ms; the attempt goes on when it has been answered. hold-participant is about those that are called for steps",
	}
}

func (setFlag) Validate(f Fault) error {
	if !slices.Contains(Flags(), f.As) {
		return fmt.Errorf("as: %q: expected one of %s", f.As, strings.Join(Flags(), ", "))
	}
	if (len(f.Steps) > 0) != (f.As == FlagParticipant) {
		return fmt.Errorf("steps: %q: expected some with %s, and none with another flag", f.Steps, FlagParticipant)
	}
	return within("delay_ms", f.DelayMS, 1, 60000)
}

// Injection is a flag that is on for a time.
func (setFlag) Injection(f Fault, _ int) Injection {
	return Injection{Flag: f.As, FlagSteps: f.Steps, For: ms(f.DelayMS)}
}

// Usual is no retries for a time in which there would be some.
func (setFlag) Usual(f Fault, p saga.RetryPolicy) []Fault {
	if f.As == "" {
		f.As = FlagRetries
	}
	if f.DelayMS == 0 {
		f.DelayMS = 2*p.MaxIntervalMS + 40
	}
	return []Fault{f}
}

// Draw draws the time.
func (setFlag) Draw(t *rapid.T, f Fault, _ saga.RetryPolicy) Fault {
	f.As = rapid.SampledFrom([]string{FlagCompensations, FlagRetries, FlagDrain}).Draw(t, "as")
	f.DelayMS = rapid.IntRange(1, 200).Draw(t, "delay_ms")
	return f
}

// Simpler: nothing is.
func (setFlag) Simpler(Fault, saga.RetryPolicy) []Fault { return nil }
