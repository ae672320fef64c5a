package faults

import "github.com/sagacheck/sagacheck/saga"

// slow lets the bytes trickle at kbps kilobytes a second.
type slow struct{}

var _ Kind = slow{}

func (slow) Doc() KindDoc {
	return KindDoc{
		Name: "slow", Phases: []saga.Phase{saga.Request, saga.Response}, Fields: []string{"kbps"},
		Text: "the request or the answer trickles at kbps kilobytes a second",
	}
}

func (slow) Validate(f Fault) error { return positive("kbps", f.KBps) }

// Effect is a trickle.
func (slow) Effect(f Fault, _ int) Effect { return bend(f, Trickling, f.KBps) }
