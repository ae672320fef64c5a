package reference_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

// halfway is the state of a saga in the middle: its steps, and what came of the
// actions of some.
func halfway(r *reference.Rules, steps []saga.Step, came map[int]reference.OpState) *reference.State {
	s := reference.NewState(saga.Definition{ID: "s", Name: "test", Steps: steps}, r)
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
	type came = map[int]reference.OpState
	refused := reference.OpState{Attempts: 1, Answer: saga.Permanent}
	done := reference.OpState{Attempts: 1, Answer: saga.Done}
	failed := reference.OpState{Attempts: 1, Answer: saga.Transient, Doubtful: true}
	given := reference.OpState{Attempts: 2, Answer: saga.Transient, Doubtful: true, Exhausted: true}
	branches := []saga.Step{stepOf("a", saga.Compensatable), stepOf("b", saga.Compensatable), stepOf("c", saga.Compensatable, "b")}
	pivot := []saga.Step{stepOf("a", saga.Compensatable), stepOf("p", saga.Pivot, "a")}
	wants := func(step int) func(*reference.Rules, *reference.State) bool {
		return func(_ *reference.Rules, s *reference.State) bool {
			return s.Wants(reference.Ref{Step: step, Dir: saga.Action})
		}
	}
	for name, tt := range map[string]struct {
		steps []saga.Step
		came  came
		shows func(r *reference.Rules, s *reference.State) bool
	}{
		"start-after-turn": {branches, came{0: refused, 1: done}, wants(2)},
		"retry-after-turn": {branches, came{0: refused, 1: failed}, wants(1)},
		"deadline-without-undo": {pivot, came{0: given}, func(_ *reference.Rules, s *reference.State) bool {
			return !s.NeedsUndo(0)
		}},
		"stuck-at-pivot": {pivot, came{0: done, 1: given}, func(r *reference.Rules, s *reference.State) bool {
			return r.Status(s) == saga.Stuck && s.Quiet()
		}},
		"unbounded-compensation": {pivot, nil, func(r *reference.Rules, s *reference.State) bool {
			return r.Limits(s, reference.Ref{Step: 0, Dir: saga.Compensation}).Policy.MaxAttempts == 0
		}},
		"refuse-operator": {pivot, came{0: done}, func(r *reference.Rules, s *reference.State) bool {
			return errors.Is(r.OperatorMay(s), reference.ErrPastPivot)
		}},
	} {
		for _, with := range []string{name, ""} {
			r := laid(t, with)
			if shows := tt.shows(r, halfway(r, tt.steps, tt.came)); shows != (with != "") {
				t.Errorf("%s: with %q it shows: %v", name, with, shows)
			}
		}
	}
}

func TestDefectsOfLongWaits(t *testing.T) {
	p := saga.RetryPolicy{InitialIntervalMS: 100, Multiplier: 2, MaxIntervalMS: 100}
	wait := func(name string, n int) time.Duration {
		return laid(t, name).Wait(opOf(saga.Call{Retry: p}, saga.Action), n)
	}
	if wait("backoff-overflow", 32) == 0 || wait("backoff-overflow", 33) != 0 || wait("", 33) == 0 {
		t.Error("no overflow")
	}
	if wait("double-waits", 2) != 200*time.Millisecond || wait("", 2) != 100*time.Millisecond {
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
		if got := laid(t, name).Body(opOf(saga.Call{Body: body}, saga.Action)); string(got) != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestIgnoreOperator(t *testing.T) {
	release := make(chan struct{})
	p := reference.NewParticipant(t, func(c reference.SeenCall) int {
		if c.Op == "b" {
			<-release
		}
		return 0
	})
	e := reference.OpenTest(t, reference.Options{Rules: laid(t, "ignore-operator")})
	reference.SubmitTest(t, e, p.Define("s", "a compensatable", "b compensatable"))
	p.AwaitCall(t, "b", 1)
	if err := e.Compensate(t.Context(), "s"); err != nil {
		t.Fatal(err)
	}
	close(release)
	reference.AwaitStatus(t, e, "s", saga.Completed)
}
