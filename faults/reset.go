package faults

import "github.com/sagacheck/sagacheck/saga"

// reset breaks the connection with a TCP RST: before the participant has the
// request, or after it has answered.
type reset struct{}

var _ onWire = reset{}

func (reset) Doc() KindDoc {
	return KindDoc{
		Name: "reset", Phases: []saga.Phase{saga.Request, saga.Response}, Transient: true,
		Text: "the connection is reset (TCP RST) before the request arrives, or after the answer has left",
	}
}

func (reset) Validate(Fault) error { return nil }

func (reset) toxics(f Fault) []toxic {
	if f.At.Phase == saga.Request {
		return []toxic{newToxic(resetType, upstream, map[string]any{"timeout": 0})}
	}
	return []toxic{newToxic(resetType, downstream, map[string]any{"timeout": 0})}
}
