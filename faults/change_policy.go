package faults

import (
	"pgregory.net/rapid"

	"github.com/sagacheck/sagacheck/saga"
)

// changePolicy changes the orchestrator's policies while an attempt is held still: what
// begins from then on waits delay_ms before each further attempt. Everything else stays as
// the definitions have it, so that how a saga ends does not depend on it.
type changePolicy struct{}

var _ Kind = changePolicy{}

func (changePolicy) Doc() KindDoc {
	return KindDoc{
		Name: "change-policy", Phases: []saga.Phase{saga.Receive, saga.Commit}, Fields: []string{"delay_ms"}, Process: true, Governs: true,
		Follows: "steps that have begun go on as they were, those that begin follow the new policies",
		Text:    "the orchestrator's policies are changed while the attempt is held still (PUT /policies): steps that begin from then on wait delay_ms before each further attempt; the attempt goes on when the change has been answered. The orchestrator gets its own policies back when the cell is over",
	}
}

func (changePolicy) Validate(f Fault) error { return within("delay_ms", f.DelayMS, 1, 60000) }

// Injection is other policies.
func (changePolicy) Injection(f Fault, _ int) Injection { return Injection{Waits: ms(f.DelayMS)} }

// Usual is a wait that no usual policy allows.
func (changePolicy) Usual(f Fault, p saga.RetryPolicy) []Fault {
	if f.DelayMS == 0 {
		f.DelayMS = 3*p.MaxIntervalMS + 40
	}
	return []Fault{f}
}

// Draw draws the wait.
func (changePolicy) Draw(t *rapid.T, f Fault, _ saga.RetryPolicy) Fault {
	f.DelayMS = rapid.IntRange(1, 200).Draw(t, "delay_ms")
	return f
}

// Simpler: nothing is.
func (changePolicy) Simpler(Fault, saga.RetryPolicy) []Fault { return nil }

// within checks a number against both its bounds.
func within(field string, v, least, most int) error {
	if v < least || v > most {
		return rangeError(field, v, least, most)
	}
	return nil
}
