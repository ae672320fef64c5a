package store

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sagacheck/sagacheck/internal/testpostgres"
)

func TestPostgres(t *testing.T) {
	pg := testpostgres.New(t)
	t.Run("a journal is read page by page", func(t *testing.T) { testPages(t, pg) })
	t.Run("one owner", func(t *testing.T) { testOneOwner(t, pg) })
	t.Run("the end of the session", func(t *testing.T) { testSessionEnds(t, pg) })
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
