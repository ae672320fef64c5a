package faults

import (
	"pgregory.net/rapid"

	"github.com/sagacheck/sagacheck/saga"
)

// operateCrash is operate, and the orchestrator is killed (SIGKILL) as soon as it has
// answered: what it answered has to be there when it is back.
type operateCrash struct{}

var _ Kind = operateCrash{}

func (operateCrash) Doc() KindDoc {
	return KindDoc{
		Name: "operate-crash", Phases: []saga.Phase{saga.Receive, saga.Commit}, Fields: []string{"as", "consoles", "times", "delay_ms"}, Operates: true, Process: true, Example: string(saga.ActPause),
		Follows: "what the operator asked for is done once, and is in the audit, also after the crash",
		Text:    "an operator asks for something while the attempt is held still, as with `operate`; when all have been answered the orchestrator is killed (SIGKILL), and started again at once. What is paused is resumed delay_ms after that",
	}
}

// Validate checks what is asked for, and how often.
func (operateCrash) Validate(f Fault) error {
	if err := validAct(f); err != nil {
		return err
	}
	if f.As == string(saga.ActPause) {
		return within("delay_ms", f.DelayMS, 1, 60000)
	}
	return within("delay_ms", f.DelayMS, 0, 0)
}

// Injection is what is asked, and a process that is away.
func (operateCrash) Injection(f Fault, _ int) Injection {
	e := asking(f)
	e.Victim, e.Resumed = ProcessKilled, ms(f.DelayMS)
	return e
}

// Usual are all acts.
func (operateCrash) Usual(f Fault, _ saga.RetryPolicy) []Fault {
	if f.As != "" {
		return []Fault{f}
	}
	f.Consoles, f.Times = 2, 2
	return everyAct(f)
}

// Draw draws an act that leaves the saga to nobody.
func (operateCrash) Draw(t *rapid.T, f Fault, p saga.RetryPolicy) Fault {
	f = operate{}.Draw(t, f, p)
	if f.As != string(saga.ActPause) {
		f.DelayMS = 0
	}
	return f
}

// Simpler is without the crash.
func (operateCrash) Simpler(f Fault, _ saga.RetryPolicy) []Fault {
	return []Fault{Doing(f, ByCrash(false))}
}
