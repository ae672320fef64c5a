package faults

import (
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
)

// pauseOrchestrator stops the orchestrator (SIGSTOP) for delay_ms while the
// participant goes on: longer than the attempt's time-out, the orchestrator
// wakes up to an answer that is there and a time-out that has passed.
type pauseOrchestrator struct{}

var _ onHook = pauseOrchestrator{}

func (pauseOrchestrator) Doc() KindDoc {
	return KindDoc{
		Name: "pause-orchestrator", Phases: []saga.Phase{saga.Receive, saga.Commit}, Fields: []string{"delay_ms"}, Process: true,
		Text: "the orchestrator is stopped (SIGSTOP) for delay_ms while the attempt is under way, then continued (SIGCONT)",
	}
}

func (pauseOrchestrator) Validate(f Fault) error { return positive("delay_ms", f.DelayMS) }

func (pauseOrchestrator) hook(f Fault, in *Injector, i int, _ participants.Call) *participants.Answer {
	in.pause(i, f)
	return nil
}
