package store

import (
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestSynchronous(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sagas.db")
	for dsn, want := range map[string]int{file + "?synchronous=off": 0, file: 2} {
		s, err := openSQLite(t.Context(), Options{DSN: dsn})
		if err != nil {
			t.Fatal(err)
		}
		var got int
		if err := s.db.QueryRow(`PRAGMA synchronous`).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %d, want %d, %v", dsn, got, want, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Open(t.Context(), Options{DSN: file + "?sync=no"}); err == nil || !strings.Contains(err.Error(), `"sync=no"`) {
		t.Error(err)
	}
}

// A new file is flushed as is said from its first page on: the driver sorts what is in _pragma by its name, and
// does what has a key of its own after that.
func TestNothingIsFlushedBeforeItIsSaidHow(t *testing.T) {
	u, err := url.Parse(executorURL("sagas.db", "off"))
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if q.Get("_journal_mode") != "WAL" || !slices.Contains(q["_pragma"], "synchronous(off)") {
		t.Errorf("%s: expected synchronous in _pragma, and the journal's mode, which writes, after it", u)
	}
}

// TestLoadOneSagaBySeek: reading one saga must not read the journals of all
// others, which would hold the only connection ever longer as the file grows.
func TestLoadOneSagaBySeek(t *testing.T) {
	s, err := openSQLite(t.Context(), Options{DSN: filepath.Join(t.TempDir(), "saga.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rows, err := s.db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+loadQuery, "a")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(detail, "SCAN") {
			t.Errorf("the query reads the whole table: %s", detail)
		}
	}
}
