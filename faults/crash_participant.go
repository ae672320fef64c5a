package faults

import (
	"pgregory.net/rapid"

	"github.com/sagacheck/sagacheck/saga"
)

// crashParticipant kills the service while it works on the attempt: the
// connection breaks, and for delay_ms its addresses reset every connection. Its
// ledger and its memory of keys are durable and survive.
type crashParticipant struct{}

var _ Kind = crashParticipant{}

func (crashParticipant) Doc() KindDoc {
	return KindDoc{
		Name: "crash-participant", Phases: []saga.Phase{saga.Receive, saga.Commit}, Fields: []string{"delay_ms"}, Transient: true,
		Text: "the service dies while it works on the attempt and is back after delay_ms; what it committed survives",
	}
}

func (crashParticipant) Validate(f Fault) error { return positive("delay_ms", f.DelayMS) }

// Injection is a broken connection, and a service that is away.
func (crashParticipant) Injection(f Fault, _ int) Injection {
	return Injection{Answer: &Answer{Hangup: true}, Victim: ServiceDown, For: ms(f.DelayMS)}
}

// Usual is about the first wait.
func (crashParticipant) Usual(f Fault, p saga.RetryPolicy) []Fault {
	f.DelayMS = max(p.InitialIntervalMS, 5)
	return []Fault{f}
}

// Draw draws how long it is away.
func (crashParticipant) Draw(t *rapid.T, f Fault, p saga.RetryPolicy) Fault {
	f.DelayMS = rapid.IntRange(1, max(p.InitialIntervalMS, 1)).Draw(t, "delay_ms")
	return f
}

// Simpler says it in fewer words: done but not told is a lost answer, not done but
// told is "unavailable".
func (crashParticipant) Simpler(f Fault, p saga.RetryPolicy) []Fault { return toldOrNot(f, p) }
