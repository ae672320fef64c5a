package faults

import "github.com/sagacheck/sagacheck/saga"

// slow lets the bytes trickle at kbps kilobytes a second.
type slow struct{}

var _ onWire = slow{}

func (slow) Doc() KindDoc {
	return KindDoc{
		Name: "slow", Phases: []saga.Phase{saga.Request, saga.Response}, Fields: []string{"kbps"},
		Text: "the request or the answer trickles at kbps kilobytes a second",
	}
}

func (slow) Validate(f Fault) error { return positive("kbps", f.KBps) }

func (slow) toxics(f Fault) []toxic {
	direction := downstream
	if f.At.Phase == saga.Request {
		direction = upstream
	}
	return []toxic{newToxic("bandwidth", direction, map[string]any{"rate": f.KBps})}
}
