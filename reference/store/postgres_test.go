package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sagacheck/sagacheck/internal/testpostgres"
)

func TestPostgres(t *testing.T) {
	pg := testpostgres.New(t)
	t.Run("a journal is read page by page", func(t *testing.T) { testPages(t, pg) })
	t.Run("what ends is found by the index", func(t *testing.T) { testEnds(t, pg) })
	t.Run("one owner", func(t *testing.T) { testOneOwner(t, pg) })
	t.Run("reads outlast a connection that ends", func(t *testing.T) { testReadsOutlast(t, pg) })
	t.Run("the end of the session", func(t *testing.T) { testSessionEnds(t, pg) })
}

// An executor that starts while its store comes back does not end: whatever it reads first is read again.
func testReadsOutlast(t *testing.T, pg *testpostgres.Server) {
	s, err := openPostgres(t.Context(), Options{DSN: pg.DSN("outlast"), Health: NewHealth(slog.New(slog.DiscardHandler))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	none := func(Entry) error { return nil }
	for what, read := range map[string]func() error{
		"breakers":      func() error { _, err := s.Breakers(t.Context()); return err },
		"what is open":  func() error { _, _, err := s.Open(t.Context()); return err },
		"an entry":      func() error { return s.Load(t.Context(), "x", none) },
		"all entries":   func() error { return s.Each(t.Context(), none) },
		"what is kept":  func() error { _, err := s.Kept(t.Context()); return err },
		"what is there": func() error { _, err := s.Holds(t.Context(), []string{"x"}); return err },
	} {
		endIdle(t, s)
		if err := read(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// endIdle leaves the pool with a connection that has ended, and that it takes for a good one.
func endIdle(t *testing.T, s *postgresStore) {
	t.Helper()
	s.pool.Reset()
	killer, err1 := s.pool.Acquire(t.Context())
	idle, err2 := s.pool.Acquire(t.Context())
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if _, err := killer.Exec(t.Context(), `SELECT pg_terminate_backend($1, 5000)`, idle.Conn().PgConn().PID()); err != nil {
		t.Fatal(err)
	}
	idle.Release()
	if err := killer.Hijack().Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// What only a session says that others use is explained.
func TestSharedSessions(t *testing.T) {
	for code, shared := range map[string]bool{"42P05": true, "26000": true, "42P01": false} {
		err := sharing(&pgconn.PgError{Code: code})
		if strings.Contains(err.Error(), "sessions are shared") != shared || !strings.Contains(err.Error(), code) {
			t.Error(err)
		}
	}
}

// A saga may begin and end in one commit. None is looked for among all that there are,
// also in a table of which the planner knows nothing yet.
func testEnds(t *testing.T, pg *testpostgres.Server) {
	s, err := openPostgres(t.Context(), Options{DSN: pg.DSN("ends")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	before := scans(t, s, "sagacheck_saga")
	now := time.Now().Truncate(time.Millisecond)
	const commits = 20
	for i := range commits {
		one, two := strconv.Itoa(2*i), strconv.Itoa(2*i+1)
		for range 2 { // as after an error
			err := errors.Join(
				s.Append(t.Context(), []Entry{{Saga: one, N: 1, Text: `[]`, Begins: true}, {Saga: two, N: 1, Text: `[]`, Begins: true}, {Saga: two, N: 2, Text: `[]`, Ended: now}}),
				s.Append(t.Context(), []Entry{{Saga: one, N: 2, Text: `[]`, Ended: now}}))
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := scans(t, s, "sagacheck_saga") - before; n > 0 {
		t.Errorf("all sagas were read %d times", n)
	}
	if open, _, err := s.Open(t.Context()); err != nil || len(open) > 0 {
		t.Errorf("still open: %v, %v", open, err)
	}
	for _, list := range []func(context.Context, time.Time, int) ([]string, error){s.Since, s.Latest} {
		if ended, err := list(t.Context(), now, 100); err != nil || len(ended) != 2*commits {
			t.Errorf("ended: %v, %v", ended, err)
		}
	}
	err = s.Append(t.Context(), []Entry{{Saga: "later", N: 1, Text: `[]`, Begins: true, Ended: now.Add(time.Second)}, {Saga: "open", N: 1, Text: `[]`, Begins: true}})
	if latest, err2 := s.Latest(t.Context(), now, 2); err != nil || err2 != nil || fmt.Sprint(latest) != "[open later]" {
		t.Errorf("the latest are %v, %v, %v", latest, err, err2)
	}
}

// scans is how often all of a table was read. The store's statements follow one another, so
// that they share one connection of its pool.
func scans(t *testing.T, s *postgresStore, table string) (n int) {
	t.Helper()
	if _, err := s.pool.Exec(t.Context(), `SELECT pg_stat_force_next_flush()`); err != nil {
		t.Fatal(err)
	}
	if err := s.pool.QueryRow(t.Context(), `SELECT pg_stat_get_numscans($1::regclass)`, table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Pages are bounded in rows and in bytes, and what comes twice, after an error, does
// no harm.
func testPages(t *testing.T, pg *testpostgres.Server) {
	s, err := openPostgres(t.Context(), Options{DSN: pg.DSN("pages")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	big := `[{"kind":"operator","trace":"` + strings.Repeat("x", 900_000) + `"}]`
	var es []Entry
	for i := range 5000 {
		es = append(es, Entry{Saga: "many", N: i + 1, Text: `[]`})
	}
	for i := range 12 {
		es = append(es, Entry{Saga: "big", N: i + 1, Text: big})
	}
	for range 2 {
		if err := s.Append(t.Context(), es); err != nil {
			t.Fatal(err)
		}
	}
	for id, want := range map[string]int{"many": 5000, "big": 12, "none": 0} {
		n := 0
		err = s.Load(t.Context(), id, func(e Entry) error {
			if n++; e.Saga != id || e.N != n {
				t.Errorf("%s: %d where %d was expected", id, e.N, n)
			}
			return nil
		})
		if err != nil || n != want {
			t.Error(id, n, err)
		}
	}
}
