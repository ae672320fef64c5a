package faults

import (
	"pgregory.net/rapid"

	"github.com/sagacheck/sagacheck/saga"
)

// pauseOrchestrator stops the orchestrator (SIGSTOP) for delay_ms while the
// participant goes on: longer than the attempt's time-out, the orchestrator
// wakes up to an answer that is there and a time-out that has passed.
type pauseOrchestrator struct{}

var _ Kind = pauseOrchestrator{}

func (pauseOrchestrator) Doc() KindDoc {
	return KindDoc{
		Name: "pause-orchestrator", Phases: []saga.Phase{saga.Receive, saga.Commit}, Fields: []string{"delay_ms"}, Process: true,
		Text: "the orchestrator is stopped (SIGSTOP) for delay_ms while the attempt is under way, then continued (SIGCONT)",
	}
}

func (pauseOrchestrator) Validate(f Fault) error { return positive("delay_ms", f.DelayMS) }

// Injection is a process that stands still.
func (pauseOrchestrator) Injection(f Fault, _ int) Injection {
	return Injection{Victim: ProcessPaused, For: ms(f.DelayMS)}
}

// Usual is past the attempt's time-out.
func (pauseOrchestrator) Usual(f Fault, p saga.RetryPolicy) []Fault {
	f.DelayMS = LateBy(p)
	return []Fault{f}
}

// Draw draws a time well within the time-out, or well past it.
func (pauseOrchestrator) Draw(t *rapid.T, f Fault, p saga.RetryPolicy) Fault {
	f.DelayMS = drawAround(t, p)
	return f
}

// Simpler is an answer that does not come, or comes late.
func (pauseOrchestrator) Simpler(f Fault, p saga.RetryPolicy) []Fault {
	return []Fault{instead(f, saga.Response, p, Injection.Silent), instead(f, saga.Request, p, Bent(Late))}
}
