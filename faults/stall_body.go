package faults

import "github.com/sagacheck/sagacheck/saga"

// stallBody lets the head of the answer come, and nothing after it.
type stallBody struct{ plain }

var _ Kind = stallBody{}

func (stallBody) Doc() KindDoc {
	return KindDoc{
		Name: "stall-body", Phases: []saga.Phase{saga.Response}, Transient: true, WithBody: true,
		Text: "the head of the answer and one byte of its body arrive, then nothing more: the connection stays open until the orchestrator gives up. A time-out has to hold for the body, too",
	}
}

// Validate accepts all: it has no fields.
func (stallBody) Validate(Fault) error { return nil }

// Injection is an answer that stalls within its body.
func (stallBody) Injection(f Fault, _ int) Injection { return bend(f, Stalled, 0) }

// Simpler is silence.
func (stallBody) Simpler(f Fault, p saga.RetryPolicy) []Fault {
	return []Fault{instead(f, f.At.Phase, p, Injection.Silent)}
}
