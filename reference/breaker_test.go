package reference

import (
	"fmt"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

func TestBreakerIsSharedByName(t *testing.T) {
	var mu sync.Mutex
	healthy := false
	p := NewParticipant(t, func(SeenCall) int {
		mu.Lock()
		defer mu.Unlock()
		if healthy {
			return 0
		}
		return 503
	})
	e := OpenTest(t, Options{})
	const n, open = 8, 400 * time.Millisecond
	b := &saga.Breaker{Name: "bank", Failures: 3, OpenMS: int(open.Milliseconds()), Probes: 2}
	for i := range n {
		d := p.Define(fmt.Sprint("s", i), "a compensatable")
		d.Steps[0].Action.Breaker, d.Steps[0].Action.Retry.MaxAttempts = b, 0
		SubmitTest(t, e, d)
	}
	p.AwaitCall(t, "a", 3+1) // the first probe
	mu.Lock()
	healthy = true
	mu.Unlock()
	for i := range n {
		AwaitStatus(t, e, fmt.Sprint("s", i), saga.Completed)
	}
	calls := p.Of("a")
	late := 0
	for _, c := range calls[3:] { // the third failure opened it
		if since := c.Began.Sub(calls[2].Ended); since > 100*time.Millisecond && since < open-2*time.Millisecond {
			late++
		}
	}
	if late > 0 {
		t.Error(late, "calls through the open circuit")
	}
}

func TestHalfOpenLetsItsProbesThrough(t *testing.T) {
	b := newBreaker(saga.Breaker{Name: "b", Failures: 2, OpenMS: 1, Probes: 2}, rules)
	stale, ok := b.acquire()
	if !ok {
		t.Fatal("closed, but refused")
	}
	for range 2 {
		done, _ := b.acquire()
		done(CallFailed)
	}
	if _, ok := b.acquire(); ok {
		t.Fatal("open, but let through")
	}
	if err := b.await(t.Context()); err != nil {
		t.Fatal(err)
	}
	first, ok1 := b.acquire()
	if !ok1 {
		t.Fatal("no probe")
	}
	first(CallPassed)
	stale(CallFailed)
	second, ok2 := b.acquire()
	_, ok3 := b.acquire()
	if !ok2 || ok3 {
		t.Fatal("probes", ok2, ok3)
	}
	changed := b.changed
	second(CallPassed)
	<-changed
	if !b.cb.IsClosed() {
		t.Error("still", b.cb.State())
	}
}

// A call that the breaker refuses is no attempt: it counts in no budget, and a
// step that was only ever refused is not compensated.
func TestRefusedIsNoAttempt(t *testing.T) {
	p := NewParticipant(t, Scripted("a * 503"))
	e := OpenTest(t, Options{})
	b := &saga.Breaker{Name: "bank", Failures: 2, OpenMS: 60, Probes: 1}
	first, second := p.Define("s1", "a compensatable"), p.Define("s2", "b compensatable")
	first.Steps[0].Action.Breaker, second.Steps[0].Action.Breaker = b, b
	SubmitTest(t, e, first)
	p.AwaitCall(t, "a", 2)
	await(t, e, "s1", func(saga.Report) bool { return !e.breakers.get(b).cb.IsClosed() })
	SubmitTest(t, e, second)
	if err := e.Compensate(t.Context(), "s2"); err != nil {
		t.Fatal(err)
	}
	if got := steps(AwaitStatus(t, e, "s2", saga.Compensated)); got != "b:pending/0" || len(p.Of("b.undo")) > 0 {
		t.Error(got)
	}
	if got := steps(AwaitStatus(t, e, "s1", saga.Compensated)); got != "a:compensated/3" || len(p.Of("a")) != 3 {
		t.Error(got, len(p.Of("a")))
	}
}

// What there is nothing to remember of is not stored: names of breakers come without
// end. What there is outlives a breaker of that name that was forgotten before.
func TestStoredBreakers(t *testing.T) {
	testStoredBreakers(t, filepath.Join(t.TempDir(), "sagas.db"))
}

func testStoredBreakers(t *testing.T, dsn string) {
	p := NewParticipant(t, Scripted("b 1 503, c * 503"))
	e := OpenTest(t, Options{StoreDSN: dsn})
	with := func(id, step, name string) saga.Definition {
		d := p.Define(id, step+" compensatable")
		d.Steps[0].Action.Breaker = &saga.Breaker{Name: name, Failures: 3, OpenMS: 60_000, Probes: 1}
		return d
	}
	for i := range 20 {
		SubmitTest(t, e, with("a"+strconv.Itoa(i), "a", "bank"+strconv.Itoa(i)))
		AwaitStatus(t, e, "a"+strconv.Itoa(i), saga.Completed)
	}
	SubmitTest(t, e, with("b", "b", "shop")) // fails once, and then no more
	AwaitStatus(t, e, "b", saga.Completed)
	SubmitTest(t, e, with("c1", "c", "post"))
	AwaitStatus(t, e, "c1", saga.Compensated)
	e.breakers.mu.Lock()
	clear(e.breakers.byName) // as sweep does when there are many
	e.breakers.mu.Unlock()
	SubmitTest(t, e, with("c2", "c", "post"))
	p.AwaitCall(t, "c", 6)
	AwaitStatus(t, e, "c2", saga.Compensated)
	texts, err := e.store.Breakers(t.Context())
	stored := decodeBreakers(texts)
	if err != nil || len(stored) != 1 || stored[0].Name != "post" || stored[0].OpenUntil.IsZero() {
		t.Fatalf("%+v, %v", stored, err)
	}
	if left := time.Until(stored[0].OpenUntil); left < 50*time.Second {
		t.Error(left)
	}
}
