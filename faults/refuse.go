package faults

import "github.com/sagacheck/sagacheck/saga"

// refuse closes the listener of an operation before its attempt, until at least
// one connection was refused and delay_ms more have passed.
//
// A refused connection leaves no trace at the listener. Its evidence is the
// kernel's count of failed connection attempts (TcpAttemptFails), so cells with
// this fault run one at a time.
type refuse struct{}

var _ Kind = refuse{}

func (refuse) Doc() KindDoc {
	return KindDoc{
		Name: "refuse", Phases: []saga.Phase{saga.Connect}, Fields: []string{"delay_ms"}, Transient: true,
		Text: "the connection is refused: the port is closed before the attempt, and opens again delay_ms after the first refusal",
	}
}

func (refuse) Validate(f Fault) error { return positive("delay_ms", f.DelayMS) }
