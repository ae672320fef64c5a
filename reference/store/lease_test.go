package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sagacheck/sagacheck/internal/testpostgres"
)

// expired ends the lease of whoever owns the store, as if it had been silent for long.
const expired = `UPDATE sagacheck_owner SET expires = '-infinity'`

// longLease: no heartbeat comes in between.
const longLease = 5 * time.Minute

// Who comes second waits while the first is well; what the first sends after a
// takeover changes nothing.
func testOneOwner(t *testing.T, pg *testpostgres.Server) {
	o := Options{DSN: pg.DSN("takeover"), Lease: longLease}
	old, err := openPostgres(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	if err := old.Append(t.Context(), []Entry{{Saga: "s", N: 1, Text: "[]"}}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if s, err := openPostgres(ctx, o); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal("took over from an owner that is well:", err, s.Close())
	}
	pg.Exec(t, "takeover", expired)
	young, err := openPostgres(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer young.Close()
	if err := old.Append(t.Context(), []Entry{{Saga: "s", N: 2, Text: "[]"}}); !errors.Is(err, ErrLost) {
		t.Error(err)
	}
	<-old.Lost()
	if err := old.Owned(); !errors.Is(err, ErrSuperseded) {
		t.Error(err)
	}
	n := 0
	if err := young.Load(t.Context(), "s", func(Entry) error { n++; return nil }); err != nil || n != 1 {
		t.Error(n, "entries", err)
	}
}

// An owner whose session ends does not answer for the store until it knows that it is
// still its own: with the session its lock is gone. Nothing but the end tells it, since
// its lease would be good for long.
func testSessionEnds(t *testing.T, pg *testpostgres.Server) {
	s, err := openPostgres(t.Context(), Options{DSN: pg.DSN("session"), Lease: longLease})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	pg.Exec(t, "session", `UPDATE sagacheck_owner SET epoch = epoch + 1`) // as whoever gets the lock does
	conn, err := pgx.Connect(t.Context(), pg.DSN("session"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := s.Owned(); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_locks
		WHERE locktype = 'advisory' AND objid = hashtext('session')::oid AND objsubid = 2`); err != nil {
		t.Fatal(err)
	}
	<-s.Lost()
	if err := s.Owned(); !errors.Is(err, ErrSuperseded) {
		t.Error(err)
	}
}
