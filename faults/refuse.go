package faults

import (
	"fmt"

	"pgregory.net/rapid"

	"github.com/sagacheck/sagacheck/saga"
)

// refuse closes the listener of an operation before its attempt, until at least
// one connection was refused and delay_ms more have passed.
//
// A refused connection leaves no trace at the listener. Its evidence is what the
// kernel tells of sockets that are destroyed (sock_diag(7)): one that had asked for
// this port, and had got no further. A program that waits inside connect(2) is parted
// from the port before that, so nobody can tell where it wanted to go: then the fault
// has not fired, and the port opens again.
type refuse struct{}

var _ Kind = refuse{}

func (refuse) Doc() KindDoc {
	return KindDoc{
		Name: "refuse", Phases: []saga.Phase{saga.Connect}, Fields: []string{"after", "delay_ms"}, Transient: true,
		Text: "the connection is refused: the port is closed before the attempt (when the answer at the point after has left, where operations share it), and opens again delay_ms after the first refusal",
	}
}

func (refuse) Validate(f Fault) error {
	if !f.After.IsZero() && f.After.Phase != saga.Response {
		return fmt.Errorf("after: %s: expected the answer of a call: phase response", f.After)
	}
	return positive("delay_ms", f.DelayMS)
}

// Injection is a closed port.
func (refuse) Injection(f Fault, _ int) Injection {
	return Injection{Refused: true, For: ms(f.DelayMS)}
}

// Usual is a port that opens at once.
func (refuse) Usual(f Fault, _ saga.RetryPolicy) []Fault {
	f.DelayMS = 3
	return []Fault{f}
}

// Draw draws the time until it opens.
func (refuse) Draw(t *rapid.T, f Fault, _ saga.RetryPolicy) Fault {
	f.DelayMS = rapid.IntRange(1, 3).Draw(t, "delay_ms")
	return f
}

// Simpler is a connection that breaks.
func (refuse) Simpler(f Fault, p saga.RetryPolicy) []Fault {
	return []Fault{instead(f, saga.Request, p, Bent(Reset))}
}
