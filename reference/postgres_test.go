package reference

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/internal/testpostgres"
	"github.com/sagacheck/sagacheck/reference/store"
	"github.com/sagacheck/sagacheck/saga"
)

func TestPostgres(t *testing.T) {
	pg := testpostgres.New(t)
	t.Run("sagas", func(t *testing.T) {
		p := NewParticipant(t, Scripted("c 1 422, a 1 503"))
		e := OpenTest(t, Options{StoreDSN: pg.DSN("sagas")})
		SubmitTest(t, e, p.Define("s", "a compensatable", "b compensatable", "c compensatable"))
		before := AwaitStatus(t, e, "s", saga.Compensated)
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		e = OpenTest(t, Options{StoreDSN: pg.DSN("sagas")})
		after, err := e.Status("s")
		if err != nil || steps(after) != steps(before) {
			t.Error(after, before, err)
		}
	})
	t.Run("a takeover is no attempt", func(t *testing.T) { testTakeoverIsNoAttempt(t, pg) })
	t.Run("trouble", func(t *testing.T) { testPostgresTrouble(t, pg) })
	t.Run("recovery", func(t *testing.T) { testPostgresRecovery(t, pg) })
	t.Run("inspect and repair", func(t *testing.T) { testPostgresRepair(t, pg) })
	t.Run("breakers", func(t *testing.T) { testStoredBreakers(t, pg.DSN("breakers")) })
	t.Run("reading heals", func(t *testing.T) { testReadingHeals(t, pg) })
	t.Run("outage", func(t *testing.T) { testOutage(t, pg) })
	t.Run("policies and flags", func(t *testing.T) { testControl(t, pg.DSN("control")) })
	t.Run("refusals", func(t *testing.T) {
		for dsn, want := range map[string]string{
			"postgres://tester@127.0.0.1:" + pg.Port + "/nosuch": `"nosuch" does not exist`,
			"postgres://:x:y": "store:",
		} {
			if _, err := Open(t.Context(), Options{StoreDSN: dsn}); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", dsn, err)
			}
		}
	})
}

func testPostgresRecovery(t *testing.T, pg *testpostgres.Server) {
	for n := range 8 {
		schema := fmt.Sprint("recovery", n)
		p := NewParticipant(t, Scripted("c * 422, b.undo 1 -1, a 1 503"))
		def := p.Define("s", "a compensatable", "b compensatable", "c compensatable")
		s, err := store.Open(t.Context(), store.Options{DSN: pg.DSN(schema)})
		if err != nil {
			t.Fatal(err)
		}
		d := &dyingStore{Store: s, left: n, dead: make(chan struct{})}
		e, err := open(t.Context(), d, Options{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _ = e.Submit(ctx, def) }()
		<-d.dead
		cancel()
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		e = OpenTest(t, Options{StoreDSN: pg.DSN(schema)})
		SubmitTest(t, e, def)
		AwaitStatus(t, e, "s", saga.Compensated)
		if left := p.Left("s"); len(left) > 0 {
			t.Errorf("after %d commits: effects left %v", n, left)
		}
	}
}

// The server dies under sagas that run, is away for a while, and comes back.
func testOutage(t *testing.T, pg *testpostgres.Server) {
	hold := make(chan struct{})
	p := NewParticipant(t, func(c SeenCall) int {
		if c.Op == "b" {
			<-hold
		}
		return 0
	})
	e := OpenTest(t, Options{StoreDSN: pg.DSN("outage")})
	const n = 20
	for i := range n {
		SubmitTest(t, e, p.Define(fmt.Sprint("s", i), "a compensatable", "b compensatable", "c pivot"))
	}
	p.AwaitCall(t, "b", n)
	pg.Stop(t, syscall.SIGQUIT)
	close(hold) // the answers arrive while the store is away
	began := time.Now()
	if err := e.Submit(t.Context(), p.Define("late", "a compensatable")); !errors.Is(err, ErrUnavailable) || time.Since(began) > 2*submitPatience {
		t.Fatal("without a store:", err, time.Since(began))
	}
	if c := p.Of("c"); len(c) > 0 {
		t.Error(len(c), "calls left without a durable intent")
	}
	pg.Start(t)
	for { // as a client does
		err := e.Submit(t.Context(), p.Define("late", "a compensatable"))
		if err == nil {
			break
		}
		if !errors.Is(err, ErrUnavailable) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	for i := range n {
		AwaitStatus(t, e, fmt.Sprint("s", i), saga.Completed)
	}
	for _, op := range []string{"b", "c"} {
		if got := len(p.Of(op)); got != n {
			t.Errorf("%d calls of %s, want %d", got, op, n)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = OpenTest(t, Options{StoreDSN: pg.DSN("outage")})
	for i := range n {
		AwaitStatus(t, e, fmt.Sprint("s", i), saga.Completed)
	}
}
