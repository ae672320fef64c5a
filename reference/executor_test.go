package reference

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sagacheck/sagacheck/saga"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

func TestCompletes(t *testing.T) {
	p := NewParticipant(t, nil)
	e := OpenTest(t, Options{})
	SubmitTest(t, e, p.Define("s1", "reserve compensatable", "charge compensatable", "ship pivot", "notify deferrable"))
	r := AwaitStatus(t, e, "s1", saga.Completed)
	if got := steps(r); got != "reserve:succeeded/1 charge:succeeded/1 ship:succeeded/1 notify:succeeded/1" {
		t.Error(got)
	}
	c := p.Of("charge")[0]
	if c.Body != `{"do":true}` || c.Header.Get("Content-Type") != "application/json" ||
		c.Header.Get("Idempotency-Key") != "s1/charge/action" || c.Header.Get("Saga-Id") != "s1" ||
		c.Header.Get("Saga-Step") != "charge" || len(c.Header.Get("Traceparent")) != 55 {
		t.Errorf("%q %v", c.Body, c.Header)
	}
}

func TestOutcomes(t *testing.T) {
	// A script is "op attempt code": that attempt is answered with that code,
	// attempt * is every one. A negative code breaks the connection after the effect.
	for name, tt := range map[string]struct {
		define  []string
		script  string
		want    saga.Status
		steps   string
		left    string
		ordered string // calls, in this order
	}{
		"retry": {
			define: []string{"a compensatable", "b compensatable"}, script: "a 1 503, a 2 429, b 1 500",
			want: saga.Completed, steps: "a:succeeded/3 b:succeeded/2", left: "a b", ordered: "a a a b b",
		},
		"permanent": {
			define: []string{"a compensatable", "b compensatable", "c compensatable"}, script: "c 1 422",
			want: saga.Compensated, steps: "a:compensated/1 b:compensated/1 c:failed/1", ordered: "a b c b.undo a.undo",
		},
		"unknown is compensated": {
			define: []string{"a compensatable", "b compensatable"}, script: "b * -1",
			want: saga.Compensated, steps: "a:compensated/1 b:compensated/3", ordered: "a b b b b.undo a.undo",
		},
		"a refusal does not answer for the attempt before": {
			define: []string{"a compensatable", "b compensatable"}, script: "b 1 -1, b 2 422",
			want: saga.Compensated, steps: "a:compensated/1 b:compensated/2", ordered: "a b b b.undo a.undo",
		},
		"lost answers are found again": {
			define: []string{"a compensatable", "b pivot"}, script: "a 1 -1, b 1 -1, b 2 -1",
			want: saga.Completed, steps: "a:succeeded/2 b:succeeded/3", left: "a b",
		},
		"compensations are retried": {
			define: []string{"a compensatable", "b compensatable"}, script: "b 1 422, a.undo 1 500, a.undo 2 -1, a.undo 3 409",
			want: saga.Compensated, steps: "a:compensated/1 b:failed/1", ordered: "a b a.undo a.undo a.undo a.undo",
		},
		"a refused compensation needs a person": {
			define: []string{"a compensatable -", "b compensatable -", "c compensatable a,b"}, script: "c 1 404, b.undo 1 422",
			want: saga.Stuck, left: "b", steps: "a:compensated/1 b:failed/1 c:failed/1",
		},
		"a refused pivot": {
			define: []string{"a compensatable", "b pivot", "c retriable"}, script: "b 1 400",
			want: saga.Compensated, steps: "a:compensated/1 b:failed/1 c:pending/0",
		},
		"a pivot that can't be undone is attempted until it is known": {
			define: []string{"a compensatable", "b pivot", "c retriable"}, script: "b 1 500, b 2 500, b 3 500, b 4 500, b 5 -1",
			want: saga.Completed, steps: "a:succeeded/1 b:succeeded/6 c:succeeded/1", left: "a b c",
		},
		"retriable after the pivot": {
			define: []string{"a pivot", "b retriable"}, script: "b 1 500, b 2 500, b 3 500, b 4 500",
			want: saga.Completed, steps: "a:succeeded/1 b:succeeded/5", left: "a b",
		},
		"refused after the pivot": {
			define: []string{"a compensatable", "b pivot", "c retriable"}, script: "c 1 422",
			want: saga.Stuck, steps: "a:succeeded/1 b:succeeded/1 c:failed/1", left: "a b",
		},
		"a refused deferrable step does not matter": {
			define: []string{"a compensatable", "b deferrable", "c pivot"}, script: "b 1 422",
			want: saga.Completed, steps: "a:succeeded/1 b:failed/1 c:succeeded/1", left: "a c",
		},
		"a way round a refused step": {
			define: []string{"a compensatable", "b compensatable", "c compensatable b =b", "d compensatable"}, script: "b 1 422",
			want: saga.Completed, steps: "a:succeeded/1 b:failed/1 c:succeeded/1 d:succeeded/1", left: "a c d", ordered: "a b c d",
		},
		"a way round an unknown step, once nothing of it is left": {
			define: []string{"a compensatable", "b compensatable", "c compensatable b =b", "d compensatable"}, script: "b * -1, b.undo 1 503",
			want: saga.Completed, steps: "a:succeeded/1 b:compensated/3 c:succeeded/1 d:succeeded/1", left: "a c d", ordered: "a b b b b.undo b.undo c d",
		},
		"no way round is needed": {
			define: []string{"a compensatable", "b compensatable", "c compensatable b =b", "d compensatable"}, script: "b 1 503",
			want: saga.Completed, steps: "a:succeeded/1 b:succeeded/2 c:pending/0 d:succeeded/1", left: "a b d", ordered: "a b b d",
		},
		"a way round that fails too": {
			define: []string{"a compensatable", "b compensatable", "c compensatable b =b", "d compensatable"}, script: "b * -1, c 1 422",
			want: saga.Compensated, steps: "a:compensated/1 b:compensated/3 c:failed/1 d:pending/0", ordered: "a b b b b.undo c a.undo",
		},
		"what stands is undone": {
			define: []string{"a compensatable", "b compensatable", "c compensatable b =b", "d compensatable"}, script: "b * -1, d 1 422",
			want: saga.Compensated, steps: "a:compensated/1 b:compensated/3 c:compensated/1 d:failed/1", ordered: "a b b b b.undo c d c.undo a.undo",
		},
		"no way round while something may be left": {
			define: []string{"a compensatable", "b compensatable", "c compensatable b =b"}, script: "b * -1, b.undo 1 422",
			want: saga.Stuck, steps: "a:succeeded/1 b:failed/3 c:pending/0", left: "a b", ordered: "a b b b b.undo",
		},
		"diamond": {
			define: []string{"a compensatable", "b compensatable a", "c compensatable a", "d compensatable b,c"}, script: "d * 500",
			want: saga.Compensated, steps: "a:compensated/1 b:compensated/1 c:compensated/1 d:compensated/3",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := NewParticipant(t, Scripted(tt.script))
			e := OpenTest(t, Options{})
			SubmitTest(t, e, p.Define("s", tt.define...))
			r := await(t, e, "s", func(r saga.Report) bool { return r.Status == tt.want && (tt.steps == "" || steps(r) == tt.steps) })
			if got := steps(r); got != tt.steps {
				t.Errorf("steps %s, want %s", got, tt.steps)
			}
			if got := strings.Join(p.Left("s"), " "); got != tt.left {
				t.Errorf("effects left %q, want %q", got, tt.left)
			}
			var ops []string
			for _, c := range p.Calls {
				ops = append(ops, c.Op)
			}
			if got := strings.Join(ops, " "); tt.ordered != "" && got != tt.ordered {
				t.Errorf("calls %s, want %s", got, tt.ordered)
			}
		})
	}
}

// scripted makes a script from text, see TestOutcomes.
func TestParallelBranches(t *testing.T) {
	both := make(chan struct{}, 2)
	meet := make(chan struct{})
	p := NewParticipant(t, func(c SeenCall) int {
		if c.Op == "b" || c.Op == "c" || c.Op == "b.undo" || c.Op == "c.undo" {
			both <- struct{}{}
			if len(both) == 2 {
				<-both
				<-both
				meet <- struct{}{}
				return 0
			}
			<-meet
		}
		if c.Op == "d" {
			return 422
		}
		return 0
	})
	e := OpenTest(t, Options{})
	SubmitTest(t, e, p.Define("s", "a compensatable", "b compensatable a", "c compensatable a", "d compensatable b,c"))
	AwaitStatus(t, e, "s", saga.Compensated)
	if a := p.Of("a.undo"); len(a) != 1 || a[0].Began.Before(p.Of("b.undo")[0].Ended) {
		t.Error("a was undone before b")
	}
}

func TestSiblingFinishesItsAttempt(t *testing.T) {
	release := make(chan struct{})
	p := NewParticipant(t, func(c SeenCall) int {
		switch c.Op {
		case "a":
			<-release
			return 500
		case "b":
			return 422
		}
		return 0
	})
	e := OpenTest(t, Options{})
	SubmitTest(t, e, p.Define("s", "a compensatable -", "b compensatable -"))
	p.AwaitCall(t, "a", 1)
	AwaitStatus(t, e, "s", saga.Compensating)
	close(release)
	r := AwaitStatus(t, e, "s", saga.Compensated)
	if got := steps(r); got != "a:compensated/1 b:failed/1" {
		t.Error(got)
	}
}

func TestPivotWaitsForEverythingThatCanFail(t *testing.T) {
	release := make(chan struct{})
	p := NewParticipant(t, func(c SeenCall) int {
		if c.Op == "a" {
			<-release
			return 422
		}
		return 0
	})
	e := OpenTest(t, Options{})
	SubmitTest(t, e, p.Define("s", "a compensatable -", "p pivot -", "r retriable -"))
	p.AwaitCall(t, "a", 1)
	close(release)
	if got := steps(AwaitStatus(t, e, "s", saga.Compensated)); got != "a:failed/1 p:pending/0 r:pending/0" {
		t.Error(got)
	}
}

func TestDeferrable(t *testing.T) {
	heal := make(chan struct{})
	p := NewParticipant(t, func(c SeenCall) int {
		if c.Op == "n" {
			select {
			case <-heal:
			default:
				return 503
			}
		}
		return 0
	})
	e := OpenTest(t, Options{})
	SubmitTest(t, e, p.Define("s", "a compensatable", "n deferrable", "b pivot"))
	r := AwaitStatus(t, e, "s", saga.Completed)
	if r.Steps[1].Status != saga.StepDeferred || r.Steps[1].Attempts < 3 {
		t.Error(steps(r))
	}
	close(heal)
	r = await(t, e, "s", func(r saga.Report) bool { return r.Steps[1].Status == saga.StepSucceeded })
	if r.Status != saga.Completed {
		t.Error(r.Status)
	}
	for _, c := range p.Of("n") {
		if c.Header.Get("Idempotency-Key") != "s/n/action" {
			t.Error(c.Header)
		}
	}
}

func TestWaitsLieInTheBand(t *testing.T) {
	p := NewParticipant(t, Scripted("a 1 500, a 2 500, a 3 500, a 4 500"))
	e := OpenTest(t, Options{})
	d := p.Define("s", "a compensatable")
	d.Steps[0].Action.Retry = saga.RetryPolicy{InitialIntervalMS: 20, Multiplier: 2, MaxIntervalMS: 60, Jitter: 0.25, AttemptTimeoutMS: 1000}
	SubmitTest(t, e, d)
	AwaitStatus(t, e, "s", saga.Completed)
	calls := p.Of("a")
	for n := 2; n <= len(calls); n++ {
		lo, hi := d.Steps[0].Action.Retry.Band(n)
		// A busy machine may make it longer.
		if wait := calls[n-1].Began.Sub(calls[n-2].Ended); wait < lo-2*time.Millisecond {
			t.Errorf("wait before attempt %d: %v, want %v to %v", n, wait, lo, hi)
		}
		o := e.Op(d, Ref{0, saga.Action})
		for range 1000 {
			if w := rules.Wait(o, n); w < lo || w > hi {
				t.Fatalf("draws a wait of %v before attempt %d, want %v to %v", w, n, lo, hi)
			}
		}
	}
}

func TestAttemptTimeout(t *testing.T) {
	hang := make(chan struct{})
	p := NewParticipant(t, func(c SeenCall) int {
		if c.Op == "a" && c.Attempt == 1 {
			<-hang
		}
		return 0
	})
	defer close(hang)
	e := OpenTest(t, Options{})
	d := p.Define("s", "a compensatable")
	d.Steps[0].Action.Retry.AttemptTimeoutMS = 50
	SubmitTest(t, e, d)
	if got := steps(AwaitStatus(t, e, "s", saga.Completed)); got != "a:succeeded/2" {
		t.Error(got)
	}
}

func TestDeadline(t *testing.T) {
	p := NewParticipant(t, Scripted("a * 500"))
	e := OpenTest(t, Options{})
	d := p.Define("s", "a compensatable")
	d.Steps[0].Action.Retry = saga.RetryPolicy{InitialIntervalMS: 20, Multiplier: 1, MaxIntervalMS: 20, AttemptTimeoutMS: 1000, DeadlineMS: 200}
	SubmitTest(t, e, d)
	AwaitStatus(t, e, "s", saga.Compensated)
	calls := p.Of("a")
	if span := calls[len(calls)-1].Began.Sub(calls[0].Began); len(calls) < 2 || span > 250*time.Millisecond {
		t.Errorf("%d attempts over %v", len(calls), span)
	}
}

func TestOperator(t *testing.T) {
	release := make(chan struct{})
	p := NewParticipant(t, func(c SeenCall) int {
		if c.Op == "b" {
			<-release
		}
		return 0
	})
	e := OpenTest(t, Options{})
	SubmitTest(t, e, p.Define("s", "a compensatable", "b compensatable", "c pivot"))
	p.AwaitCall(t, "b", 1)
	if err := e.Compensate(t.Context(), "s"); err != nil {
		t.Fatal(err)
	}
	if err := e.Compensate(t.Context(), "s"); err != nil {
		t.Fatal("again:", err)
	}
	close(release)
	if got := steps(AwaitStatus(t, e, "s", saga.Compensated)); got != "a:compensated/1 b:compensated/1 c:pending/0" {
		t.Error(got)
	}
	SubmitTest(t, e, p.Define("done", "a compensatable", "c pivot"))
	AwaitStatus(t, e, "done", saga.Completed)
	SubmitTest(t, e, p.Define("nopivot", "a compensatable"))
	AwaitStatus(t, e, "nopivot", saga.Completed)
	for id, want := range map[string]error{"done": ErrPastPivot, "nopivot": ErrCompleted, "none": ErrNotFound, "s": nil} {
		if err := e.Compensate(t.Context(), id); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", id, err, want)
		}
	}
}

func TestCloseIsQuick(t *testing.T) {
	hang := make(chan struct{})
	p := NewParticipant(t, func(c SeenCall) int { <-hang; return 0 })
	defer close(hang)
	e := OpenTest(t, Options{})
	SubmitTest(t, e, p.Define("s", "a compensatable"))
	p.AwaitCall(t, "a", 1)
	began := time.Now()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(began); d > time.Second {
		t.Error(d)
	}
	if err := e.Submit(t.Context(), p.Define("s2", "a compensatable")); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

func TestEndedSagasAreFoundInTheStore(t *testing.T) {
	p := NewParticipant(t, nil)
	e := OpenTest(t, Options{})
	d := p.Define("s", "a compensatable")
	SubmitTest(t, e, d)
	AwaitStatus(t, e, "s", saga.Completed)
	forgetEnded(e, "s")
	AwaitStatus(t, e, "s", saga.Completed)
	if err := e.Compensate(t.Context(), "s"); !errors.Is(err, ErrCompleted) {
		t.Error(err)
	}
	SubmitTest(t, e, d)
	d.Name = "other"
	if err := e.Submit(t.Context(), d); !errors.Is(err, ErrConflict) {
		t.Error(err)
	}
	if n := len(p.Of("a")); n != 1 {
		t.Error(n, "calls")
	}
}

// forgetEnded waits until a saga counts as ended, which is just after it is reported
// so, and takes it out of memory.
func forgetEnded(e *Executor, id string) {
	for {
		e.mu.Lock()
		if slices.Contains(e.cache.ids, id) {
			delete(e.sagas, id)
			e.forgotten = true
			e.mu.Unlock()
			return
		}
		e.mu.Unlock()
		time.Sleep(time.Millisecond)
	}
}

func EndedIDs(e *Executor) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.cache.ids)
}
