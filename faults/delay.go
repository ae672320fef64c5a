package faults

import (
	"pgregory.net/rapid"

	"github.com/sagacheck/sagacheck/saga"
)

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

// Injection is a wait.
func (delay) Injection(f Fault, _ int) Injection { return bend(f, Late, f.DelayMS) }

// Usual is past the attempt's time-out, and well within it.
func (delay) Usual(f Fault, p saga.RetryPolicy) []Fault {
	within := f
	f.DelayMS, within.DelayMS = LateBy(p), WithinTimeout(p)
	return []Fault{f, within}
}

// WithinTimeout is how late an answer may be, in ms, without being a failure.
func WithinTimeout(p saga.RetryPolicy) int { return max(p.AttemptTimeoutMS/5, 1) }

// LateBy is a time, in ms, that is longer than an attempt may take, and long enough
// for a compensation to come first.
func LateBy(p saga.RetryPolicy) int { return p.AttemptTimeoutMS + 100 }

// Draw draws a time well within the time-out, or well past it.
func (delay) Draw(t *rapid.T, f Fault, p saga.RetryPolicy) Fault {
	f.DelayMS = drawAround(t, p)
	return f
}

// drawAround draws, in ms, a time well within the time-out of an attempt, or well
// past it.
func drawAround(t *rapid.T, p saga.RetryPolicy) int {
	if rapid.Bool().Draw(t, "within the time-out") {
		return rapid.IntRange(1, max(p.AttemptTimeoutMS/4, 1)).Draw(t, "delay_ms")
	}
	return rapid.IntRange(p.AttemptTimeoutMS+50, p.AttemptTimeoutMS+200).Draw(t, "delay_ms")
}

// Simpler is silence.
func (delay) Simpler(f Fault, p saga.RetryPolicy) []Fault {
	return []Fault{instead(f, f.At.Phase, p, Injection.Silent)}
}
