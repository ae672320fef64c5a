package faults

import (
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
)

// crashOrchestrator kills the orchestrator (SIGKILL) while the attempt is held
// still, and starts it again on the same store after delay_ms.
//
// At response the answer is on its way and is lost with the process. Of submit,
// response is the moment after the orchestrator has accepted.
type crashOrchestrator struct{}

var (
	_ onHook = crashOrchestrator{}
	_ onWire = crashOrchestrator{}
)

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

func (crashOrchestrator) hook(f Fault, in *Injector, i int, _ participants.Call) *participants.Answer {
	in.crash(i, f)
	return nil
}

// toxics: at response the answer is kept back until the process is dead.
func (crashOrchestrator) toxics(f Fault) []toxic {
	if f.At.Phase != saga.Response {
		return nil
	}
	return []toxic{newToxic(swallowType, downstream, nil)}
}
