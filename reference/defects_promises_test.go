package reference

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// halfway is the state of a saga in the middle: its steps, and what came of the
// actions of some.
func halfway(defect string, steps []saga.Step, came map[int]OpState) *State {
	s := newState(saga.Definition{ID: "s", Name: "test", Steps: steps}, defects{defect: true})
	for i, o := range came {
		s.Actions[i] = o
	}
	return s
}

func stepOf(name string, kind saga.Kind, after ...string) saga.Step {
	return saga.Step{
		Name: name, Kind: kind, After: append([]string{}, after...),
		Action:       saga.Call{Retry: saga.RetryPolicy{MaxAttempts: 3, DeadlineMS: 50}},
		Compensation: &saga.Call{Retry: saga.RetryPolicy{MaxAttempts: 2}},
	}
}

// Each of these asks a state with the defect and one without.
func TestDefectsOfStates(t *testing.T) {
	refused := OpState{Attempts: 1, Answer: saga.Permanent}
	done := OpState{Attempts: 1, Answer: saga.Done}
	failed := OpState{Attempts: 1, Answer: saga.Transient, Doubtful: true}
	given := OpState{Attempts: 2, Answer: saga.Transient, Doubtful: true, Exhausted: true}
	branches := []saga.Step{stepOf("a", saga.Compensatable), stepOf("b", saga.Compensatable), stepOf("c", saga.Compensatable, "b")}
	pivot := []saga.Step{stepOf("a", saga.Compensatable), stepOf("p", saga.Pivot, "a")}
	for name, tt := range map[string]struct {
		steps []saga.Step
		came  map[int]OpState
		shows func(s *State) bool
	}{
		"start-after-turn":       {branches, map[int]OpState{0: refused, 1: done}, func(s *State) bool { return s.wants(Ref{2, saga.Action}) }},
		"retry-after-turn":       {branches, map[int]OpState{0: refused, 1: failed}, func(s *State) bool { return s.wants(Ref{1, saga.Action}) }},
		"deadline-without-undo":  {pivot, map[int]OpState{0: given}, func(s *State) bool { return !s.NeedsUndo(0) }},
		"stuck-at-pivot":         {pivot, map[int]OpState{0: done, 1: given}, func(s *State) bool { return s.status() == saga.Stuck && s.Quiet() }},
		"unbounded-compensation": {pivot, nil, func(s *State) bool { return s.limits(Ref{0, saga.Compensation}).Policy.MaxAttempts == 0 }},
		"refuse-operator":        {pivot, map[int]OpState{0: done}, func(s *State) bool { return errors.Is(s.operatorMay(), ErrPastPivot) }},
	} {
		if !tt.shows(halfway(name, tt.steps, tt.came)) {
			t.Error(name, "does not show")
		}
		if tt.shows(halfway("", tt.steps, tt.came)) {
			t.Error(name, "shows without the defect too")
		}
	}
}

func TestDefectsOfLongWaits(t *testing.T) {
	p := saga.RetryPolicy{InitialIntervalMS: 100, Multiplier: 2, MaxIntervalMS: 100}
	of := func(name string) *operation {
		return &operation{run: &run{e: &Executor{defects: defects{name: true}}}, call: saga.Call{Retry: p}}
	}
	if w := of("backoff-overflow"); w.wait(32) == 0 || w.wait(33) != 0 || of("").wait(33) == 0 {
		t.Error("no overflow")
	}
	if of("double-waits").wait(2) != 200*time.Millisecond || of("").wait(2) != 100*time.Millisecond {
		t.Error("not doubled")
	}
}

func TestDefectsOfBodies(t *testing.T) {
	body := json.RawMessage(`{ "writes": [{"register":"r","from":"","to":"x"}], "amount": 1.50 }`)
	for name, want := range map[string]string{
		"":                 string(body),
		"reencode-bodies":  `{"amount":1.5,"writes":[{"from":"","register":"r","to":"x"}]}`,
		"garble-registers": `{"amount":1.5,"writes":[{"from":"","register":"r","to":"garbled"}]}`,
		"drop-writes":      `{"amount":1.5}`,
	} {
		if got := (defects{name: true}).rewrite(body); string(got) != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestIgnoreOperator(t *testing.T) {
	release := make(chan struct{})
	p := newParticipant(t, func(c call) int {
		if c.op == "b" {
			<-release
		}
		return 0
	})
	e := openTest(t, Options{Defects: []string{"ignore-operator"}})
	submit(t, e, p.define("s", "a compensatable", "b compensatable"))
	p.awaitCall(t, "b", 1)
	if err := e.Compensate(t.Context(), "s"); err != nil {
		t.Fatal(err)
	}
	close(release)
	awaitStatus(t, e, "s", saga.Completed)
}
