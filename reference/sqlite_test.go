package reference

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// limitFiles makes the disk full for this process: every write to a file fails.
func limitFiles(t *testing.T, size uint64) {
	t.Helper()
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: ^uint64(0)}); err != nil {
		t.Fatal(err)
	}
}

// An executor that is started while the disk is full waits for it, as one that runs
// does, and does not die.
func TestSQLiteOpensWhenTheDiskHasRoomAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "saga.db")
	t.Cleanup(func() { limitFiles(t, ^uint64(0)) })
	limitFiles(t, 0)
	opened := make(chan error, 1)
	go func() {
		s, err := openSQLite(t.Context(), Options{StoreDSN: file})
		if err == nil {
			err = s.close()
		}
		opened <- err
	}()
	select {
	case err := <-opened:
		t.Fatalf("on a full disk: %v: expected patience", err)
	case <-time.After(200 * time.Millisecond):
	}
	limitFiles(t, ^uint64(0))
	if err := <-opened; err != nil {
		t.Errorf("with room again: %v", err)
	}
}

// TestLoadOneSagaBySeek: reading one saga must not read the journals of all
// others, which would hold the only connection ever longer as the file grows.
func TestLoadOneSagaBySeek(t *testing.T) {
	s, err := openSQLite(t.Context(), Options{StoreDSN: filepath.Join(t.TempDir(), "saga.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.close() //nolint:errcheck // a test
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
