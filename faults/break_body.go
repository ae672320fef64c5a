package faults

import "github.com/sagacheck/sagacheck/saga"

// breakBody ends the connection behind the head of the answer.
type breakBody struct{ plain }

var _ Kind = breakBody{}

func (breakBody) Doc() KindDoc {
	return KindDoc{
		Name: "break-body", Phases: []saga.Phase{saga.Response}, Transient: true, WithBody: true,
		Text: "the head of the answer and one byte of its body arrive, then the connection ends. The answer may be taken for what its status says, or for a broken connection",
	}
}

// Validate accepts all: it has no fields.
func (breakBody) Validate(Fault) error { return nil }

// Injection is the end of an answer within its body.
func (breakBody) Injection(f Fault, _ int) Injection { return bend(f, BrokenOff, 0) }

// Simpler is an answer that is cut within its head, or nothing of it.
func (breakBody) Simpler(f Fault, p saga.RetryPolicy) []Fault {
	return []Fault{instead(f, f.At.Phase, p, Injection.Silent), instead(f, f.At.Phase, p, Bent(Reset)), instead(f, f.At.Phase, p, Bent(Ended))}
}
