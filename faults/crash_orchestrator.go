package faults

import (
	"pgregory.net/rapid"

	"github.com/sagacheck/sagacheck/saga"
)

// crashOrchestrator kills the orchestrator (SIGKILL) while the attempt is held
// still, and starts it again on the same store after delay_ms.
//
// At response the answer is on its way and is lost with the process. Of submit,
// response is the moment after the orchestrator has accepted.
type crashOrchestrator struct{}

var _ Kind = crashOrchestrator{}

func (crashOrchestrator) Doc() KindDoc {
	return KindDoc{
		Name: "crash-orchestrator", Phases: []saga.Phase{saga.Receive, saga.Commit, saga.Response}, Fields: []string{"delay_ms"}, Process: true,
		Text: "the orchestrator is killed (SIGKILL) while the attempt is held still, and started again on the same store after delay_ms",
	}
}

func (crashOrchestrator) Validate(f Fault) error {
	if f.DelayMS < 0 {
		return rangeError("delay_ms", f.DelayMS, 0, 60000)
	}
	return nil
}

// Injection is a process that is away. At response the answer is kept back until it is
// dead.
func (crashOrchestrator) Injection(f Fault, _ int) Injection {
	e := Injection{Victim: ProcessKilled, For: ms(f.DelayMS)}
	if f.At.Phase == saga.Response {
		e.Bends = []Bend{{Answer: true, How: Swallowed}}
	}
	return e
}

// Usual is a process that is started again at once.
func (crashOrchestrator) Usual(f Fault, _ saga.RetryPolicy) []Fault {
	f.DelayMS = 5
	return []Fault{f}
}

// Draw draws how long it is away.
func (crashOrchestrator) Draw(t *rapid.T, f Fault, _ saga.RetryPolicy) Fault {
	f.DelayMS = rapid.IntRange(0, 50).Draw(t, "delay_ms")
	return f
}

// Simpler says it in fewer words: done but not told is a lost answer, not done but
// told is "unavailable".
func (crashOrchestrator) Simpler(f Fault, p saga.RetryPolicy) []Fault { return toldOrNot(f, p) }
