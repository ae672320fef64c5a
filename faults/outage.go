package faults

import "github.com/sagacheck/sagacheck/saga"

// outage makes services unreachable for a time: every connection to the steps is
// reset as soon as its request arrives, before the participant has it.
type outage struct{ plain }

var _ Kind = outage{}

func (outage) Doc() KindDoc {
	return KindDoc{
		Name: "outage", Fields: []string{"steps", "from_ms", "for_ms"}, Transient: true,
		Text: "the services behind the steps are unreachable from from_ms for for_ms: every connection is reset",
	}
}

func (outage) Validate(f Fault) error { return nil }

// Injection is a reset.
func (outage) Injection(Fault, int) Injection { return Injection{Cut: true} }

// Simpler is the first call of its first step.
func (outage) Simpler(f Fault, p saga.RetryPolicy) []Fault {
	return firstCall(f, saga.Request, p, Bent(Reset))
}
