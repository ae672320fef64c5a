package faults

import (
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/sagacheck/sagacheck/saga"
)

// operate is an operator, or several, who asks something of the saga at an attempt.
type operate struct{}

var _ Kind = operate{}

// ends is what is asked so that a saga is ended at any moment: what is not stuck has to be
// paused first.
const ends = saga.ActEnd

// Most consoles, and how often each of them asks.
const (
	mostConsoles = 4
	mostTimes    = 4
)

// operated are the acts that a plan may ask for: what is paused is always resumed.
func operated() []saga.Act {
	return []saga.Act{saga.ActRollback, saga.ActRetry, saga.ActPause, saga.ActSkip, saga.ActEnd}
}

func (operate) Doc() KindDoc {
	return KindDoc{
		Name: "operate", Phases: []saga.Phase{saga.Receive, saga.Commit}, Fields: []string{"as", "consoles", "times", "delay_ms"}, Operates: true, Example: string(saga.ActPause),
		Follows: "what the operator asks for is done once, and is in the audit",
		Text:    "an operator asks for something (as: rollback, retry, pause, skip or end) while the attempt is held still; it goes on when all have been answered. `consoles` of them ask at once, under keys of their own, and each `times` times under the same key. What is paused is resumed after delay_ms; anything else is asked for delay_ms after the attempt, which is not held then. end pauses the saga first",
	}
}

// Validate checks what is asked for, and how often.
func (operate) Validate(f Fault) error {
	if err := validAct(f); err != nil {
		return err
	}
	if f.As == string(saga.ActPause) && f.DelayMS == 0 {
		return rangeError("delay_ms", f.DelayMS, 1, 60000)
	}
	return within("delay_ms", f.DelayMS, 0, 60000)
}

func validAct(f Fault) error {
	if !slices.Contains(operated(), saga.Act(f.As)) {
		return fmt.Errorf("as: %q: expected one of %s", f.As, actNames())
	}
	if err := within("consoles", f.Consoles, 0, mostConsoles); err != nil {
		return err
	}
	return within("times", f.Times, 0, mostTimes)
}

func actNames() string {
	var names []string
	for _, a := range operated() {
		names = append(names, string(a))
	}
	return strings.Join(names, ", ")
}

// Injection is what is asked.
func (operate) Injection(f Fault, _ int) Injection {
	e := asking(f)
	if f.As == string(saga.ActPause) {
		e.Resumed = ms(f.DelayMS)
	} else {
		e.Later = ms(f.DelayMS)
	}
	return e
}

func asking(f Fault) Injection {
	e := Injection{Acts: []saga.Act{saga.Act(f.As)}, Consoles: max(f.Consoles, 1), Times: max(f.Times, 1)}
	if saga.Act(f.As) == ends {
		e.Acts = []saga.Act{saga.ActPause, ends}
	}
	return e
}

// Usual are all acts: each by two consoles at once, who repeat themselves; a rollback when
// the saga may be over, and a retry when it may be waiting.
func (operate) Usual(f Fault, p saga.RetryPolicy) []Fault {
	if f.As != "" {
		return []Fault{f}
	}
	f.Consoles, f.Times = 2, 2
	fs := everyAct(f)
	late := f
	late.As, late.DelayMS = string(saga.ActRollback), 2*p.AttemptTimeoutMS+p.MaxIntervalMS
	soon := f
	soon.As, soon.DelayMS = string(saga.ActRetry), p.InitialIntervalMS/2+1
	return append(fs, late, soon)
}

// everyAct asks for each act; what is paused is resumed when the saga would have gone on long ago.
func everyAct(f Fault) []Fault {
	var fs []Fault
	for _, act := range operated() {
		f.As, f.DelayMS = string(act), 0
		if act == saga.ActPause {
			f.DelayMS = pauseLasts
		}
		fs = append(fs, f)
	}
	return fs
}

// pauseLasts is for how many milliseconds a saga is paused.
const pauseLasts = 120

// Draw draws what is asked for; plans that are drawn ask for nothing that leaves a saga to a person.
func (operate) Draw(t *rapid.T, f Fault, _ saga.RetryPolicy) Fault {
	f.As = rapid.SampledFrom([]string{string(saga.ActRetry), string(saga.ActPause)}).Draw(t, "as")
	f.Consoles = rapid.IntRange(1, 2).Draw(t, "consoles")
	f.DelayMS = rapid.IntRange(1, 200).Draw(t, "delay_ms")
	return f
}

// Simpler is one console that asks once.
func (operate) Simpler(f Fault, _ saga.RetryPolicy) []Fault {
	if f.Consoles < 2 && f.Times < 2 {
		return nil
	}
	f.Consoles, f.Times = 0, 0
	return []Fault{f}
}
