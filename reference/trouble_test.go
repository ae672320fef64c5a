package reference

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/internal/testpostgres"
	"github.com/sagacheck/sagacheck/reference/store"
	"github.com/sagacheck/sagacheck/saga"
)

// brokenStore does nothing while it is broken.
type brokenStore struct {
	store.Store
	broken atomic.Bool
}

var errInternal = errors.New("failed to connect to user=payroll host=10.1.2.3")

func (b *brokenStore) Append(ctx context.Context, es []store.Entry) error {
	if b.broken.Load() {
		return errInternal
	}
	return b.Store.Append(ctx, es)
}

func (b *brokenStore) Load(ctx context.Context, id string, yield func(store.Entry) error) error {
	if b.broken.Load() {
		return errInternal
	}
	return b.Store.Load(ctx, id, yield)
}

func (b *brokenStore) Holds(ctx context.Context, ids []string) ([]string, error) {
	if b.broken.Load() {
		return nil, errInternal
	}
	return b.Store.Holds(ctx, ids)
}

// While the store is in trouble sagas are refused in time, the health says so, the log
// says so once and again when it is over, and nobody outside learns the details.
func TestStoreTrouble(t *testing.T) {
	p := NewParticipant(t, nil)
	inner, err := store.Open(t.Context(), store.Options{DSN: filepath.Join(t.TempDir(), "sagas.db")})
	if err != nil {
		t.Fatal(err)
	}
	s := &brokenStore{Store: inner}
	log := &testparticipant.Log{}
	e, err := open(t.Context(), s, Options{Logger: slog.New(slog.NewJSONHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	SubmitTest(t, e, p.Define("old", "a compensatable"))
	AwaitStatus(t, e, "old", saga.Completed)
	forgetEnded(e, "old")
	s.broken.Store(true)
	began := time.Now()
	for i := range 3 {
		if err := e.Submit(t.Context(), p.Define("s"+strconv.Itoa(i), "a compensatable")); !errors.Is(err, ErrUnavailable) || strings.Contains(err.Error(), "payroll") {
			t.Error(i, err)
		}
	}
	if d := time.Since(began); d > 3*submitPatience {
		t.Error("refused after", d)
	}
	if _, err := e.Status("old"); !errors.Is(err, ErrUnavailable) || strings.Contains(err.Error(), "payroll") {
		t.Error(err)
	}
	for e.Condition().Status != "trouble" {
		time.Sleep(10 * time.Millisecond)
	}
	s.broken.Store(false)
	for e.Condition().Status != "ready" {
		time.Sleep(10 * time.Millisecond)
	}
	for i := range 3 { // the same ids
		SubmitTest(t, e, p.Define("s"+strconv.Itoa(i), "a compensatable"))
		AwaitStatus(t, e, "s"+strconv.Itoa(i), saga.Completed)
	}
	for _, what := range []string{"can't read from the store", "can read from the store again"} {
		if n := strings.Count(log.String(), what); n != 1 {
			t.Errorf("%q: %d times in the log, want 1\n%s", what, n, log)
		}
	}
}

// What is old and can't be removed keeps no saga from being accepted.
func TestRemovingIsNotSerious(t *testing.T) {
	p := NewParticipant(t, nil)
	e := OpenTest(t, Options{})
	e.health.Trouble(store.Removing, errInternal)
	SubmitTest(t, e, p.Define("s", "a compensatable"))
	AwaitStatus(t, e, "s", saga.Completed)
	if c := e.Condition(); c.Status != "degraded" || c.Cause != "can't "+store.Removing {
		t.Error(c)
	}
}

// A table that is gone is trouble like any other: it is waited for.
func testPostgresTrouble(t *testing.T, pg *testpostgres.Server) {
	p := NewParticipant(t, nil)
	log := &testparticipant.Log{}
	e := OpenTest(t, Options{StoreDSN: pg.DSN("trouble"), Logger: slog.New(slog.NewJSONHandler(log, nil))})
	conn, err := pgx.Connect(t.Context(), pg.DSN("trouble"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), `ALTER TABLE sagacheck_journal RENAME TO away`); err != nil {
		t.Fatal(err)
	}
	if err := e.Submit(t.Context(), p.Define("s", "a compensatable")); !errors.Is(err, ErrUnavailable) {
		t.Error(err)
	}
	if _, err := conn.Exec(t.Context(), `ALTER TABLE away RENAME TO sagacheck_journal`); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if err = e.Submit(t.Context(), p.Define("s", "a compensatable")); err == nil || time.Now().After(end) {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	AwaitStatus(t, e, "s", saga.Completed)
	for _, what := range []string{"can't write to the store", "can write to the store again"} {
		if n := strings.Count(log.String(), what); n != 1 {
			t.Errorf("%q: %d times in the log", what, n)
		}
	}
}

// Reading that was not possible once keeps nobody out for ever: a client that only
// submits new sagas, which are refused meanwhile, never reads.
func testReadingHeals(t *testing.T, pg *testpostgres.Server) {
	p := NewParticipant(t, nil)
	e := OpenTest(t, Options{StoreDSN: pg.DSN("reading")})
	SubmitTest(t, e, p.Define("old", "a compensatable"))
	AwaitStatus(t, e, "old", saga.Completed)
	forgetEnded(e, "old")
	pg.Stop(t, syscall.SIGQUIT)
	if _, err := e.Status("old"); !errors.Is(err, ErrUnavailable) {
		t.Error(err)
	}
	pg.Start(t)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		err := e.Submit(t.Context(), p.Define("new", "a compensatable"))
		if err == nil {
			break
		}
		if !errors.Is(err, ErrUnavailable) || time.Now().After(end) {
			t.Fatal(err)
		}
	}
	AwaitStatus(t, e, "new", saga.Completed)
}
