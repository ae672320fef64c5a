package faults

import (
	"pgregory.net/rapid"

	"github.com/sagacheck/sagacheck/saga"
)

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

// Injection is a trickle.
func (slow) Injection(f Fault, _ int) Injection { return bend(f, Trickling, f.KBps) }

// Usual is a rate that takes a while.
func (slow) Usual(f Fault, _ saga.RetryPolicy) []Fault {
	f.KBps = 8
	return []Fault{f}
}

// Draw draws the rate.
func (slow) Draw(t *rapid.T, f Fault, _ saga.RetryPolicy) Fault {
	f.KBps = rapid.IntRange(4, 64).Draw(t, "kbps")
	return f
}

// Simpler is a delay within the time-out.
func (slow) Simpler(f Fault, p saga.RetryPolicy) []Fault {
	g := instead(f, f.At.Phase, p, Bent(Late))
	g.DelayMS = WithinTimeout(p)
	return []Fault{g}
}
