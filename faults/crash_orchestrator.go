package faults

import (
	"fmt"

	"pgregory.net/rapid"

	"github.com/sagacheck/sagacheck/saga"
)

// crashOrchestrator kills the orchestrator (SIGKILL) while the attempt is held
// still, and starts it again on the same store after delay_ms.
//
// At response the answer is on its way and is lost with the process. Of submit,
// response is the moment after the orchestrator has accepted.
//
// As waiting it lets the answer pass, whatever other faults make of it, and kills in the wait that
// follows: how long that is nobody knows before, and an orchestrator may draw it. As ended (of submit) it kills when
// the client has heard that the saga has ended.
type crashOrchestrator struct{}

var _ Kind = crashOrchestrator{}

func (crashOrchestrator) Doc() KindDoc {
	return KindDoc{
		Name: "crash-orchestrator", Phases: []saga.Phase{saga.Receive, saga.Commit, saga.Response}, Fields: []string{"as", "delay_ms"}, Process: true, Example: Waiting,
		Text: "the orchestrator is killed (SIGKILL) while the attempt is held still, and started again on the same store after delay_ms. As waiting (at response) the attempt is left alone, and the kill comes when it has ended: in the wait for the next one, when a third of the time is over that passed between this attempt and the one before (5 ms at the least), and 10 ms after a first one. Of submit it comes as soon as the client has the answer; as ended (of submit, at response), as soon as the client has heard that the saga has ended",
	}
}

// Waiting is when a process is killed that waits for its next attempt (as).
const Waiting = "waiting"

// WhenEnded is when a process is killed whose saga is at its end (as).
const WhenEnded = "ended"

func (crashOrchestrator) Validate(f Fault) error {
	if f.As != "" && f.As != Waiting && f.As != WhenEnded {
		return fmt.Errorf("as: %q: expected %s, %s, or nothing", f.As, Waiting, WhenEnded)
	}
	if f.As == WhenEnded && (f.At.Step != saga.SubmitStep || f.At.Phase != saga.Response) {
		return fmt.Errorf("as: %q at %s: expected %s#1@%s: it ends when it ends, whatever call it makes last", f.As, f.At, saga.SubmitStep, saga.Response)
	}
	if f.As == Waiting && f.At.Phase != saga.Response {
		return fmt.Errorf("as: %q at %s: expected %s: only an attempt that was answered, or whose answer was lost, is followed by a wait", f.As, f.At.Phase, saga.Response)
	}
	if f.DelayMS < 0 {
		return rangeError("delay_ms", f.DelayMS, 0, 60000)
	}
	return nil
}

// Injection is a process that is away. At response the answer is kept back until it is
// dead.
func (crashOrchestrator) Injection(f Fault, _ int) Injection {
	e := Injection{Victim: ProcessKilled, For: ms(f.DelayMS), InWait: f.As != "", AtEnd: f.As == WhenEnded}
	if !e.InWait && f.At.Phase == saga.Response {
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
// told is "unavailable". What is killed in a wait, or at the end, may be killed before.
func (crashOrchestrator) Simpler(f Fault, p saga.RetryPolicy) []Fault {
	if f.As != "" {
		f.As = ""
		return []Fault{f}
	}
	return toldOrNot(f, p)
}
