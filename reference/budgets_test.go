package reference

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// A bucket lets no more through, in any time, than it may hold and has got in it.
func TestBucketKeepsItsBound(t *testing.T) {
	now := time.Unix(0, 0)
	b := &bucket{RetryBudget: saga.RetryBudget{Share: 0.5, MinPerSecond: 10, Burst: 3}, turn: make(chan struct{}, 1), level: 3, at: now}
	taken := 0
	for step := range 2000 {
		now = now.Add(time.Millisecond)
		if step%100 == 0 {
			b.add(b.Share, now)
		}
		if _, ok := b.try(now); ok {
			taken++
		}
	}
	if most := 3 + 20*0.5 + 2*10; float64(taken) > most || float64(taken) < most-1 {
		t.Errorf("%d taken, of %v", taken, most)
	}
	b.add(100, now)
	if b.level != 3 {
		t.Error(b.level)
	}
}

// Whoever leaves the queue for a token holds up nobody and takes nothing with it.
func TestBucketForgetsWhoLeft(t *testing.T) {
	b := &bucket{RetryBudget: saga.RetryBudget{MinPerSecond: 50, Burst: 1}, turn: make(chan struct{}, 1), at: time.Now()}
	ctx, cancel := context.WithCancel(t.Context())
	took, waiting := make(chan bool), make(chan struct{}, 4)
	wait := func(ctx context.Context) {
		took <- b.take(ctx, time.Now, func() { waiting <- struct{}{} })
	}
	go wait(ctx)
	<-waiting
	cancel()
	if <-took {
		t.Error("a token for one that has left")
	}
	began := time.Now()
	for range 3 {
		go wait(t.Context())
	}
	for range 3 {
		if !<-took {
			t.Error("no token")
		}
	}
	if lasted := time.Since(began); lasted < 35*time.Millisecond {
		t.Errorf("3 tokens within %v", lasted)
	}
}

func budgetedBank() *saga.RetryBudget {
	return &saga.RetryBudget{Name: "bank", Share: 0.1, MinPerSecond: 20, Burst: 2}
}

// Retries of all sagas share the budget, also over a restart; what waits for a token is no
// attempt.
func TestRetryBudgetIsShared(t *testing.T) {
	p := NewParticipant(t, Scripted("a 1 503, a 2 503, a 3 503"))
	file := filepath.Join(t.TempDir(), "sagas.db")
	const sagas = 6
	e := OpenTest(t, Options{StoreDSN: file})
	for i := range sagas {
		d := p.Define(fmt.Sprint("s", i), "a compensatable")
		d.Steps[0].Action.RetryBudget, d.Steps[0].Action.Retry.MaxAttempts = budgetedBank(), 4
		SubmitTest(t, e, d)
	}
	p.AwaitCall(t, "a", sagas+4)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = OpenTest(t, Options{StoreDSN: file})
	for i := range sagas {
		await(t, e, fmt.Sprint("s", i), func(r saga.Report) bool { return r.Status.Ended() })
	}
	a, err := e.Audit(t.Context(), AuditQuery{})
	if err != nil {
		t.Fatal(err)
	}
	var retries []time.Time // as they were decided: when they arrive is up to the machine
	for _, en := range a.Entries {
		if en.What == AuditAttempt && en.Attempt > 1 {
			retries = append(retries, en.At)
		}
	}
	slices.SortFunc(retries, time.Time.Compare)
	if len(retries) < sagas {
		t.Fatalf("the audit has %d retries, expected %d at the least", len(retries), sagas)
	}
	const lag = 25 * time.Millisecond
	for j := range retries {
		for i := range j {
			allowed := 2 + 0.1*sagas + 20*(retries[j].Sub(retries[i])+lag).Seconds()
			if float64(j-i+1) > allowed {
				t.Fatalf("%d retries in %v, and %.1f are allowed", j-i+1, retries[j].Sub(retries[i]), allowed)
			}
		}
	}
	held := 0
	for _, en := range a.Entries {
		if en.What == AuditHeld && strings.Contains(en.Why, "retry budget") {
			held++
		}
	}
	if held == 0 {
		t.Error("the audit has nothing that the budget held")
	}
}

// The budget of a saga ends its actions, whatever their own policies say, and undoes what was
// done; the record says so.
func TestBudgetOverAllAttempts(t *testing.T) {
	p := NewParticipant(t, Scripted("a 1 503, b * 503"))
	e := OpenTest(t, Options{})
	d := p.Define("s", "a compensatable", "b compensatable", "c compensatable")
	d.Budget.Attempts = 4
	d.Steps[1].Action.Retry.MaxAttempts = 0
	SubmitTest(t, e, d)
	if got := steps(AwaitStatus(t, e, "s", saga.Compensated)); got != "a:compensated/2 b:compensated/2 c:pending/0" {
		t.Error(got)
	}
	if n := len(p.Of("a")) + len(p.Of("b")) + len(p.Of("c")); n != 4 {
		t.Errorf("%d attempts", n)
	}
	a, err := e.Audit(t.Context(), AuditQuery{Saga: "s"})
	if err != nil {
		t.Fatal(err)
	}
	said := false
	for _, en := range a.Entries {
		said = said || en.What == AuditWithdrawn && strings.Contains(en.Why, "budget over all attempts is spent")
	}
	if !said {
		t.Errorf("%+v", a.Entries)
	}
}

// The time of a budget ends a long wait as well as an attempt.
func TestBudgetOfTime(t *testing.T) {
	p := NewParticipant(t, Scripted("a * 503"))
	file := filepath.Join(t.TempDir(), "sagas.db")
	e := OpenTest(t, Options{StoreDSN: file})
	d := p.Define("s", "a compensatable")
	d.Budget.TimeMS = 1000
	d.Steps[0].Action.Retry = saga.RetryPolicy{InitialIntervalMS: 3_600_000, Multiplier: 1, MaxIntervalMS: 3_600_000, AttemptTimeoutMS: 1000}
	SubmitTest(t, e, d)
	if got := steps(AwaitStatus(t, e, "s", saga.Compensated)); got != "a:compensated/1" {
		t.Error(got)
	}
}

// Past the pivot a budget ends nothing.
func TestBudgetEndsNothingPastThePivot(t *testing.T) {
	p := NewParticipant(t, Scripted("r 1 503, r 2 503, r 3 503, r 4 503, r 5 503"))
	e := OpenTest(t, Options{})
	d := p.Define("s", "a compensatable", "p pivot", "r retriable")
	d.Budget.Attempts = 3
	SubmitTest(t, e, d)
	if got := steps(AwaitStatus(t, e, "s", saga.Completed)); got != "a:succeeded/1 p:succeeded/1 r:succeeded/6" {
		t.Error(got)
	}
}

// A policy that adapts follows what was observed, between its bounds.
func TestPolicyAdapts(t *testing.T) {
	e := OpenTest(t, Options{})
	p := retry(4)
	p.AttemptTimeoutMS, p.InitialIntervalMS, p.MaxIntervalMS = 400, 50, 100
	p.Adaptive = saga.Adaptive{Name: "bank", Percentile: 90, Times: 3, MinTimeoutMS: 60, MinWaitMS: 10}
	o := e.Op(saga.Definition{Steps: []saga.Step{{Action: saga.Call{Retry: p}}}}, Ref{0, saga.Action})
	for _, c := range []struct {
		took          time.Duration
		timeout, wait int
	}{
		{0, 400, 50},
		{2 * time.Millisecond, 60, 10},
		{30 * time.Millisecond, 90, 30},
		{time.Second, 400, 50},
	} {
		if c.took > 0 {
			for range keepLatencies {
				e.latencies.observe("bank", c.took)
			}
		}
		if got := o.Retry(); got.AttemptTimeoutMS != c.timeout || got.InitialIntervalMS != c.wait || !got.Adaptive.IsZero() {
			t.Errorf("after %v: %+v", c.took, got)
		}
	}
}
