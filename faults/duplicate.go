package faults

import (
	"pgregory.net/rapid"

	"github.com/sagacheck/sagacheck/saga"
)

// duplicate delivers the request a second time on a connection of its own: at
// once (delay_ms 0), or late, for example after the compensation.
type duplicate struct{ plain }

var _ Kind = duplicate{}

func (duplicate) Doc() KindDoc {
	return KindDoc{
		Name: "duplicate", Phases: []saga.Phase{saga.Request}, Fields: []string{"delay_ms"},
		Text: "the network delivers the request a second time, at once or delay_ms later; nobody reads the second answer",
	}
}

func (duplicate) Validate(f Fault) error {
	if f.DelayMS < 0 {
		return rangeError("delay_ms", f.DelayMS, 0, 60000)
	}
	return nil
}

// Injection is a second copy.
func (duplicate) Injection(f Fault, _ int) Injection {
	return Injection{Copied: true, For: ms(f.DelayMS)}
}

// Usual is a copy at the time that the fault says, and one that comes late.
func (duplicate) Usual(f Fault, p saga.RetryPolicy) []Fault {
	late := f
	late.DelayMS = LateBy(p)
	return []Fault{f, late}
}

// Draw draws when the copy comes.
func (duplicate) Draw(t *rapid.T, f Fault, p saga.RetryPolicy) Fault {
	f.DelayMS = rapid.SampledFrom([]int{0, 0, 5, p.AttemptTimeoutMS, LateBy(p)}).Draw(t, "delay_ms")
	return f
}
