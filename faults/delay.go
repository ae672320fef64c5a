package faults

import "github.com/sagacheck/sagacheck/saga"

// delay holds the request or the answer back for delay_ms. Longer than the
// attempt's time-out it makes a late arrival: the participant acts after the
// orchestrator has given the attempt up.
type delay struct{}

var _ Kind = delay{}

func (delay) Doc() KindDoc {
	return KindDoc{
		Name: "delay", Phases: []saga.Phase{saga.Request, saga.Response}, Fields: []string{"delay_ms"}, Transient: true,
		Text: "the request or the answer comes delay_ms later; a request delayed past the attempt's time-out arrives late",
	}
}

func (delay) Validate(f Fault) error { return positive("delay_ms", f.DelayMS) }

// Effect is a wait.
func (delay) Effect(f Fault, _ int) Effect { return bend(f, Late, f.DelayMS) }
