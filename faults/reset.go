package faults

import "github.com/sagacheck/sagacheck/saga"

// reset breaks the connection with a TCP RST: before the participant has the
// request, or after it has answered.
type reset struct{ plain }

var _ Kind = reset{}

func (reset) Doc() KindDoc {
	return KindDoc{
		Name: "reset", Phases: []saga.Phase{saga.Request, saga.Response}, Transient: true, InARow: saga.Response,
		Text: "the connection is reset (TCP RST) before the request arrives, or after the answer has left",
	}
}

func (reset) Validate(Fault) error { return nil }

// Injection is a reset.
func (reset) Injection(f Fault, _ int) Injection { return bend(f, Reset, 0) }

// Simpler is silence.
func (reset) Simpler(f Fault, p saga.RetryPolicy) []Fault {
	return []Fault{instead(f, f.At.Phase, p, Injection.Silent)}
}
