package reference

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/reference/policies"
	"github.com/sagacheck/sagacheck/saga"
)

// refused is a saga that needs a person: its compensation is refused.
func refused(p *Participant, id string) saga.Definition {
	return p.Define(id, "a compensatable", "b compensatable")
}

func refuses(c SeenCall) int {
	if c.Op == "b" || c.Op == "a.undo" {
		return 422
	}
	return 0
}

// The board counts sagas by their marks, finds them by what is asked for, and pages by id.
func TestBoard(t *testing.T) {
	hold := make(chan struct{})
	p := NewParticipant(t, func(c SeenCall) int {
		if c.Op == "slow" {
			<-hold
		}
		if c.Op == "down" {
			return 503
		}
		return refuses(c)
	})
	defer close(hold)
	e := OpenTest(t, Options{})
	submit := func(id, name string, steps ...string) {
		d := p.Define(id, steps...)
		d.Name = name
		for i := range d.Steps {
			d.Steps[i].Action.Retry = saga.RetryPolicy{InitialIntervalMS: 60_000, Multiplier: 1, MaxIntervalMS: 60_000, AttemptTimeoutMS: 60_000}
		}
		SubmitTest(t, e, d)
	}
	submit("done-1", "order", "x compensatable")
	submit("run-1", "order", "slow compensatable")
	submit("run-2", "trip", "down compensatable")
	SubmitTest(t, e, refused(p, "stuck-1"))
	AwaitStatus(t, e, "stuck-1", saga.Stuck)
	AwaitStatus(t, e, "done-1", saga.Completed)
	p.AwaitCall(t, "slow", 1)
	p.AwaitCall(t, "down", 1)
	if _, err := e.Operate(t.Context(), "run-2", Asked{Act: saga.ActPause, By: By{Author: "ann", Reason: "Their Release"}}); err != nil {
		t.Fatal(err)
	}
	await(t, e, "run-2", func(saga.Report) bool { return e.Board(BoardQuery{}).Counts[MarkRetrying] == 1 })
	for _, tt := range []struct {
		q    BoardQuery
		want []string
		more bool
	}{
		{BoardQuery{}, []string{"done-1", "run-1", "run-2", "stuck-1"}, false},
		{BoardQuery{Most: 2}, []string{"done-1", "run-1"}, true},
		{BoardQuery{Most: 2, After: "run-1"}, []string{"run-2", "stuck-1"}, false},
		{BoardQuery{Open: true}, []string{"run-1", "run-2", "stuck-1"}, false},
		{BoardQuery{Prefix: "run-"}, []string{"run-1", "run-2"}, false},
		{BoardQuery{Name: "order"}, []string{"done-1", "run-1"}, false},
		{BoardQuery{Mark: MarkStuck}, []string{"stuck-1"}, false},
		{BoardQuery{Mark: MarkEnded}, []string{"done-1"}, false},
		{BoardQuery{Mark: MarkRunning}, []string{"run-1", "run-2"}, false},
		{BoardQuery{Mark: MarkRetrying}, []string{"run-2"}, false},
		{BoardQuery{Mark: MarkPaused}, []string{"run-2"}, false},
		{BoardQuery{Text: "SLOW"}, []string{"run-1"}, false},
		{BoardQuery{Text: "their release"}, []string{"run-2"}, false},
		{BoardQuery{Text: "nowhere"}, nil, false},
	} {
		b := e.Board(tt.q)
		var ids []string
		for _, c := range b.Sagas {
			ids = append(ids, c.ID)
		}
		if !slices.Equal(ids, tt.want) || b.More != tt.more {
			t.Errorf("%+v: %v, more %v: expected %v, %v", tt.q, ids, b.More, tt.want, tt.more)
		}
		if got := fmt.Sprint(b.Counts); got != "map[ended:1 paused:1 retrying:1 running:2 stuck:1]" {
			t.Error(got)
		}
	}
}

// A saga that needs a person stays on the board when memory has let go of it, until it has ended.
func TestBoardKeepsWhatNeedsAPerson(t *testing.T) {
	p := NewParticipant(t, refuses)
	e := OpenTest(t, Options{})
	SubmitTest(t, e, refused(p, "stuck-1"))
	AwaitStatus(t, e, "stuck-1", saga.Stuck)
	await(t, e, "stuck-1", func(saga.Report) bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		return e.sagas["stuck-1"].rest != nil
	})
	e.mu.Lock()
	e.cache.remove("stuck-1")
	e.letGo("stuck-1") // as when there is no room
	e.mu.Unlock()
	stuck := func() []Card { return e.Board(BoardQuery{Mark: MarkStuck, Text: "stuck-1"}).Sagas }
	if all := stuck(); len(all) != 1 || all[0].Steps != 2 || all[0].Done != 1 || all[0].Name != "test" {
		t.Errorf("%+v", all)
	}
	if _, err := e.Operate(t.Context(), "stuck-1", Asked{Act: saga.ActEnd, By: By{Author: "ann", Reason: "seen to"}}); err != nil {
		t.Fatal(err)
	}
	if all := stuck(); len(all) != 0 {
		t.Errorf("%+v", all)
	}
	if all := e.Board(BoardQuery{Mark: MarkEnded}).Sagas; len(all) != 1 {
		t.Errorf("%+v", all)
	}
}

// What a saga waits for is told: its policy's wait, a Retry-After, a flag, an operator.
func TestWaits(t *testing.T) {
	p := NewParticipant(t, func(c SeenCall) int {
		if c.Op == "a" {
			return 503
		}
		return 0
	})
	e := OpenTest(t, Options{})
	d := p.Define("s", "a compensatable", "b compensatable")
	d.Steps[0].Action.Retry = saga.RetryPolicy{InitialIntervalMS: 60_000, Multiplier: 1, MaxIntervalMS: 60_000, Jitter: 0.5, AttemptTimeoutMS: 1000}
	SubmitTest(t, e, d)
	one := func() Wait {
		waits, err := e.Waits("s")
		if err != nil || len(waits) > 1 {
			t.Fatal(waits, err)
		}
		if len(waits) == 0 {
			return Wait{}
		}
		return waits[0]
	}
	await(t, e, "s", func(saga.Report) bool { return one().Attempt == 2 })
	if w := one(); w.Step != "a" || w.Direction != saga.Action || w.Why != "the wait of its policy" || w.To.Sub(w.From) != time.Minute {
		t.Errorf("%+v", w)
	}
	by := By{Author: "ann", Reason: "r"}
	if err := e.SetFlag(t.Context(), policies.Flag{Name: policies.NoRetries, Author: "ann", Reason: "r", Expires: time.Now().Add(time.Hour)}, by); err != nil {
		t.Fatal(err)
	}
	if w := one(); w.Why != "the flag no-retries" {
		t.Errorf("%+v", w)
	}
	if _, err := e.Operate(t.Context(), "s", Asked{Act: saga.ActPause, By: by}); err != nil {
		t.Fatal(err)
	}
	if w := one(); w.Why != "an operator, who has paused the saga" {
		t.Errorf("%+v", w)
	}
	if _, err := e.Waits("nobody"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

// An end user is shown the steps whose template says so, and no saga that has none.
func TestProgress(t *testing.T) {
	p := NewParticipant(t, nil)
	e := OpenTest(t, Options{})
	const text = `templates:
  shown:
    retry: {max_attempts: 1, initial_interval_ms: 1, multiplier: 1, max_interval_ms: 1, jitter: 0, attempt_timeout_ms: 2000}
    visibility: progress
bindings:
  - {template: shown, saga: open, step: b}
`
	if _, err := e.ChangePolicies(t.Context(), text, "", By{Source: "test"}); err != nil {
		t.Fatal(err)
	}
	for id, name := range map[string]string{"s": "open", "h": "hidden"} {
		d := p.Define(id, "a compensatable", "b compensatable")
		d.Name = name
		SubmitTest(t, e, d)
		AwaitStatus(t, e, id, saga.Completed)
	}
	if got, err := e.Progress("s"); err != nil || fmt.Sprint(got) != "{completed false [{b succeeded}]}" {
		t.Error(got, err)
	}
	for _, id := range []string{"h", "nobody"} {
		if _, err := e.Progress(id); !errors.Is(err, ErrNotFound) {
			t.Error(id, err)
		}
	}
}
