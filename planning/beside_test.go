package planning

import (
	"testing"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// branches is a saga whose first step is followed by two side by side, and those by one.
func branches() saga.Definition {
	retry := saga.RetryPolicy{MaxAttempts: 3, InitialIntervalMS: 10, Multiplier: 2, MaxIntervalMS: 100, AttemptTimeoutMS: 100}
	step := func(name string, after ...string) saga.Step {
		return saga.Step{Name: name, Kind: saga.Compensatable, After: after, Action: saga.Call{URL: "http://x/" + name, Retry: retry}, Compensation: &saga.Call{URL: "http://x/" + name + "/undo", Retry: retry}}
	}
	return saga.Definition{ID: "s", Steps: []saga.Step{step("first"), step("left", "first"), step("right", "first"), step("last", "left", "right")}}
}

func at(kind, step string, attempt int, phase saga.Phase) faults.Fault {
	return faults.Defaults(faults.Fault{Kind: kind, At: point(step, attempt, phase)}, branches().Steps[0].Action.Retry)
}

func TestClashes(t *testing.T) {
	kill := at("crash-orchestrator", "left", 1, saga.Receive)
	lose := at("lose", "left", 1, saga.Response)
	refuse := at("reject", "left", 1, saga.Receive)
	ask := at("ask-rollback", "left", 1, saga.Receive)
	for _, tt := range []struct {
		what          string
		one, other    faults.Fault
		several, want bool
	}{
		{"two strike the process", kill, at("pause-orchestrator", "last", 1, saga.Receive), false, true},
		{"one strikes the process at the operation of the other", kill, at("lose", "left", 2, saga.Request), false, true},
		{"one strikes the process, the other elsewhere", kill, at("lose", "first", 1, saga.Request), false, false},
		{"two attempts of one operation", lose, at("lose", "left", 2, saga.Response), false, false},
		{"two at one attempt", lose, at("delay", "left", 1, saga.Request), false, false},
		{"two at one attempt of sagas that compete", lose, at("delay", "left", 1, saga.Request), true, true},
		{"a second copy at an attempt with another fault", lose, at("duplicate", "left", 1, saga.Request), false, true},
		{"a rollback is asked for, and a step beside may not have started", ask, at("lose", "right", 1, saga.Response), false, true},
		{"a rollback is asked for, and a step before has", ask, at("lose", "first", 1, saga.Response), false, false},
		{"a refusal ends the saga that would come to the other", refuse, at("lose", "last", 1, saga.Response), true, true},
		{"a refusal of one saga alone", refuse, at("lose", "right", 1, saga.Response), false, false},
	} {
		for _, pair := range [][2]faults.Fault{{tt.one, tt.other}, {tt.other, tt.one}} {
			if got := clashes(branches(), pair[0], pair[1], tt.several); got != tt.want {
				t.Errorf("%s (%s, %s): %v", tt.what, pair[0], pair[1], got)
			}
		}
	}
}

func TestUnsettles(t *testing.T) {
	longPause := at("pause-orchestrator", "first", 3, saga.Receive)
	longPause.DelayMS = 100
	for _, tt := range []struct {
		what       string
		fault      faults.Fault
		many, want bool
	}{
		{"a refused connection may come twice", at("refuse", "first", 1, saga.Connect), false, true},
		{"a submission costs what the client's patience has it cost", at("lose", saga.SubmitStep, 1, saga.Response), false, true},
		{"a lost answer costs an attempt", at("lose", "left", 1, saga.Response), true, false},
		{"a kill at a step that runs alone", at("crash-orchestrator", "first", 1, saga.Receive), false, false},
		{"a kill at a step beside another", at("crash-orchestrator", "left", 1, saga.Receive), false, true},
		{"a kill of a process with other sagas", at("crash-orchestrator", "first", 1, saga.Receive), true, true},
		{"a pause as long as the time-out of the last attempt", longPause, false, true},
	} {
		if got := unsettles(branches(), tt.fault, tt.many); got != tt.want {
			t.Errorf("%s (%s): %v", tt.what, tt.fault, got)
		}
	}
}

func TestAlone(t *testing.T) {
	for step, want := range map[string]bool{"first": true, "left": false, "right": false, "last": true} {
		if got := alone(branches(), step); got != want {
			t.Errorf("%s: %v", step, got)
		}
	}
}

// Sagas compete by registers and by breakers; one saga never does.
func TestCompete(t *testing.T) {
	d, e, f := branches(), branches(), branches()
	e.Steps[3].Action.Body = []byte(`{"writes":[{"register":"seat","from":"free","to":"taken"}]}`)
	f.Steps[0].Action.Breaker = &saga.Breaker{Name: "bank", Failures: 1, OpenMS: 1, Probes: 1}
	for _, tt := range []struct {
		defs []saga.Definition
		want bool
	}{{[]saga.Definition{d, d}, false}, {[]saga.Definition{e, e}, true}, {[]saga.Definition{e}, false}, {[]saga.Definition{f, f}, true}} {
		if got := compete(tt.defs); got != tt.want {
			t.Errorf("%d sagas: %v, expected %v", len(tt.defs), got, tt.want)
		}
	}
}
