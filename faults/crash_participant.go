package faults

import (
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
)

// crashParticipant kills the service while it works on the attempt: the
// connection breaks, and for delay_ms its addresses reset every connection. Its
// ledger and its memory of keys are durable and survive.
type crashParticipant struct{}

var _ onHook = crashParticipant{}

func (crashParticipant) Doc() KindDoc {
	return KindDoc{
		Name: "crash-participant", Phases: []saga.Phase{saga.Receive, saga.Commit}, Fields: []string{"delay_ms"}, Transient: true,
		Text: "the service dies while it works on the attempt and is back after delay_ms; what it committed survives",
	}
}

func (crashParticipant) Validate(f Fault) error { return positive("delay_ms", f.DelayMS) }

func (crashParticipant) hook(f Fault, in *Injector, i int, c participants.Call) *participants.Answer {
	in.crashService(i, c.Op.Step, f.DelayMS)
	return &participants.Answer{Hangup: true}
}
