package reference

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/saga"
)

// by is what somebody asks for.
func by(act saga.Act, author string) Asked {
	return Asked{Act: act, By: By{Author: author, Reason: "a test"}}
}

// A saga that is paused rests, also over a restart, until it is resumed.
func TestPauseOverARestart(t *testing.T) {
	var well atomic.Bool
	p := testparticipant.New(t, func(c testparticipant.Call) int {
		if c.Op == "a" && !well.Load() || c.Op == "other" && c.Attempt < 3 {
			return 503
		}
		return 0
	})
	dsn := t.TempDir() + "/saga.db"
	e := OpenTest(t, Options{StoreDSN: dsn})
	SubmitTest(t, e, p.Define("s", "a compensatable"))
	p.AwaitCall(t, "a", 1)
	if changed, err := e.Operate(t.Context(), "s", by(saga.ActPause, "ann")); err != nil || !changed {
		t.Fatal(changed, err)
	}
	if changed, err := e.Operate(t.Context(), "s", by(saga.ActPause, "ben")); err != nil || changed {
		t.Fatal("paused twice:", changed, err)
	}
	if _, err := e.Operate(t.Context(), "s", by(saga.ActRetry, "ann")); !errors.Is(err, ErrPaused) {
		t.Error(err)
	}
	well.Store(true)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = OpenTest(t, Options{StoreDSN: dsn})
	n := len(p.Of("a"))
	r, err := e.Status("s")
	if err != nil || r.Paused == nil || r.Paused.Author != "ann" || r.Status != saga.Running {
		t.Fatal(r, err)
	}
	SubmitTest(t, e, p.Define("beside", "other compensatable")) // as many retries as the paused one could have made
	AwaitStatus(t, e, "beside", saga.Completed)
	if got := len(p.Of("a")); got != n {
		t.Errorf("%d attempts while it was paused", got-n)
	}
	if changed, err := e.Operate(t.Context(), "s", by(saga.ActResume, "ben")); err != nil || !changed {
		t.Fatal(changed, err)
	}
	AwaitStatus(t, e, "s", saga.Completed)
}

// A saga that is stuck and at rest is ended by hand, and stays so; before it goes on by itself.
func TestEndByHand(t *testing.T) {
	p := testparticipant.New(t, func(c testparticipant.Call) int {
		if c.Op == "b" || c.Op == "a.undo" {
			return 422
		}
		return 0
	})
	dsn := t.TempDir() + "/saga.db"
	e := OpenTest(t, Options{StoreDSN: dsn})
	SubmitTest(t, e, p.Define("s", "a compensatable", "b compensatable"))
	AwaitStatus(t, e, "s", saga.Stuck)
	for _, want := range []bool{true, false} {
		if changed, err := e.Operate(t.Context(), "s", by(saga.ActEnd, "ann")); err != nil || changed != want {
			t.Fatal(changed, err)
		}
	}
	for _, act := range []saga.Act{saga.ActRollback, saga.ActPause} {
		if _, err := e.Operate(t.Context(), "s", by(act, "ann")); !errors.Is(err, ErrEnded) {
			t.Error(act, err)
		}
	}
	for range 2 {
		r := AwaitStatus(t, e, "s", saga.EndedByHand)
		if r.ByHand == nil || r.ByHand.Author != "ann" || r.ByHand.Reason != "a test" {
			t.Error(r)
		}
		a, err := e.Audit(t.Context(), AuditQuery{Saga: "s"})
		last := a.Entries[len(a.Entries)-1]
		if err != nil || last.What != "operator-end" || last.Author != "ann" {
			t.Error(last, err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		e = OpenTest(t, Options{StoreDSN: dsn})
	}
}

// However many ask at once, one does it, and the saga is undone once.
func TestConsolesAtOnce(t *testing.T) {
	hold := make(chan struct{})
	p := testparticipant.New(t, func(c testparticipant.Call) int {
		if c.Op == "b" {
			<-hold
		}
		return 0
	})
	e := OpenTest(t, Options{})
	SubmitTest(t, e, p.Define("s", "a compensatable", "b compensatable"))
	p.AwaitCall(t, "b", 1)
	var all sync.WaitGroup
	var mu sync.Mutex
	did := map[string]bool{}
	for n := range 20 {
		all.Go(func() {
			a := by(saga.ActRollback, fmt.Sprint(n))
			a.Key = fmt.Sprint(n)
			first, err := e.Operate(t.Context(), "s", a)
			again, err2 := e.Operate(t.Context(), "s", a)
			if err != nil || err2 != nil || first != again {
				t.Error(first, again, err, err2)
			}
			mu.Lock()
			defer mu.Unlock()
			if first {
				did[a.Author] = true
			}
		})
	}
	all.Wait()
	close(hold)
	AwaitStatus(t, e, "s", saga.Compensated)
	a, err := e.Audit(t.Context(), AuditQuery{Saga: "s"})
	var told []string
	for _, en := range a.Entries {
		if en.What == "operator-rollback" {
			told = append(told, en.Author)
		}
	}
	if err != nil || len(did) != 1 || len(told) != 1 || !did[told[0]] {
		t.Error("done by", did, "told of", told, err)
	}
	for _, op := range []string{"a.undo", "b.undo"} {
		if n := len(p.Of(op)); n != 1 {
			t.Error(op, "called", n, "times")
		}
	}
	if _, err := e.Operate(t.Context(), "s", Asked{Act: saga.ActPause, Key: "3", By: By{Author: "3", Reason: "x"}}); !errors.Is(err, ErrOtherRequest) && !did["3"] && !errors.Is(err, ErrEnded) {
		t.Error(err)
	}
}

// A deferred step that is skipped is not attempted any more, and one that the saga needs can't be.
func TestSkip(t *testing.T) {
	p := testparticipant.New(t, func(c testparticipant.Call) int {
		if c.Op == "n" {
			return 503
		}
		return 0
	})
	e := OpenTest(t, Options{})
	SubmitTest(t, e, p.Define("s", "a compensatable", "n deferrable"))
	AwaitStatus(t, e, "s", saga.Completed)
	skip := func(step string) Asked {
		return Asked{Act: saga.ActSkip, Step: step, By: By{Author: "ann", Reason: "late"}}
	}
	if _, err := e.Operate(t.Context(), "s", skip("a")); !errors.Is(err, ErrNotDeferred) {
		t.Error(err)
	}
	if changed, err := e.Operate(t.Context(), "s", skip("n")); err != nil || !changed {
		t.Fatal(changed, err)
	}
	if got := testparticipant.Steps(AwaitStatus(t, e, "s", saga.Completed)); !strings.Contains(got, "n:failed") {
		t.Error(got)
	}
}

// What is of unknown outcome is undone when its time-out is over, and not before; a retry that
// somebody asks for does not shorten that.
func TestSafetyMargin(t *testing.T) {
	p := testparticipant.New(t, func(c testparticipant.Call) int {
		if c.Op == "a" {
			return -1
		}
		return 0
	})
	d := p.Define("s", "a compensatable")
	d.Steps[0].Action.Retry.MaxAttempts, d.Steps[0].Action.Retry.AttemptTimeoutMS = 1, 400
	e := OpenTest(t, Options{})
	before := time.Now() // a participant may hear of an attempt late
	SubmitTest(t, e, d)
	p.AwaitCall(t, "a", 1)
	AwaitStatus(t, e, "s", saga.Compensating)
	if _, err := e.Operate(t.Context(), "s", by(saga.ActRetry, "ann")); !errors.Is(err, ErrNothingWaits) {
		t.Error(err)
	}
	AwaitStatus(t, e, "s", saga.Compensated)
	if took := p.Of("a.undo")[0].Began.Sub(before); took < 400*time.Millisecond {
		t.Errorf("undone after %v", took)
	}
}

// A kill may come before the line that says where a saga stands: the executor that goes on with
// it says it.
func TestStatusIsSaidAgain(t *testing.T) {
	for line, tt := range map[string]struct {
		step, again string
		status      saga.Status
	}{
		"saga completed":          {"n deferrable", "n", saga.Completed},
		"saga is on its way back": {"refused compensatable", "a.undo", saga.Compensating},
	} {
		t.Run(line, func(t *testing.T) {
			p := testparticipant.New(t, func(c testparticipant.Call) int {
				return map[string]int{"refused": 422, tt.again: 503}[c.Op]
			})
			dsn := t.TempDir() + "/saga.db"
			e := OpenTest(t, Options{StoreDSN: dsn})
			SubmitTest(t, e, p.Define("s", "a compensatable", tt.step))
			AwaitStatus(t, e, "s", tt.status)
			p.AwaitCall(t, tt.again, 1)
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			log, n := &testparticipant.Log{}, len(p.Of(tt.again))
			e = OpenTest(t, Options{StoreDSN: dsn, Logger: slog.New(slog.NewJSONHandler(log, nil))})
			p.AwaitCall(t, tt.again, n+1)
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(log.String(), `"msg":"`+line+`"`); n != 1 {
				t.Errorf("said %d times:\n%s", n, log)
			}
		})
	}
}
