package faults

import "github.com/sagacheck/sagacheck/saga"

// lose is silence: the request or the answer disappears and the connection stays
// open until the orchestrator gives up.
type lose struct{}

var _ onWire = lose{}

func (lose) Doc() KindDoc {
	return KindDoc{
		Name: "lose", Phases: []saga.Phase{saga.Request, saga.Response}, Transient: true,
		Text: "the request or the answer is lost in silence: nothing comes until the orchestrator's own time-out",
	}
}

func (lose) Validate(Fault) error { return nil }

func (lose) toxics(f Fault) []toxic {
	if f.At.Phase == saga.Request {
		return []toxic{newToxic(timeoutType, upstream, map[string]any{"timeout": 0})}
	}
	return []toxic{newToxic(swallowType, downstream, nil)}
}
