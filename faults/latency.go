package faults

import (
	"pgregory.net/rapid"

	"github.com/sagacheck/sagacheck/saga"
)

// latency makes the network slow for a time: requests and answers of the steps
// come delay_ms later.
type latency struct{}

var _ Kind = latency{}

func (latency) Doc() KindDoc {
	return KindDoc{
		Name: "latency", Fields: []string{"steps", "from_ms", "for_ms", "delay_ms"},
		Text: "from from_ms for for_ms, requests to the steps and their answers come delay_ms later",
	}
}

func (latency) Validate(f Fault) error { return positive("delay_ms", f.DelayMS) }

// Injection is a wait on either way.
func (latency) Injection(f Fault, _ int) Injection {
	return Injection{Bends: []Bend{{How: Late, N: f.DelayMS}, {Answer: true, How: Late, N: f.DelayMS}}}
}

// Usual is within every time-out.
func (latency) Usual(f Fault, _ saga.RetryPolicy) []Fault {
	f.DelayMS = 20
	return []Fault{f}
}

// Draw draws the latency.
func (latency) Draw(t *rapid.T, f Fault, _ saga.RetryPolicy) Fault {
	f.DelayMS = rapid.IntRange(1, 60).Draw(t, "delay_ms")
	return f
}

// Simpler is the first call of its first step.
func (latency) Simpler(f Fault, p saga.RetryPolicy) []Fault {
	return firstCall(f, saga.Request, p, Bent(Late))
}
