package api

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/internal/testpostgres"
	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/reference/store"
)

// A database that is away is trouble before there is an executor, and while nothing is
// written.
func testAwayWhileIdle(t *testing.T, pg *testpostgres.Server) {
	log := &testparticipant.Log{}
	o := ServeOptions{Options: reference.Options{StoreDSN: pg.DSN("away"), Logger: slog.New(slog.NewJSONHandler(log, nil)), Lease: time.Second}}
	pg.Stop(t, syscall.SIGQUIT)
	s := serve(t, o)
	s.health(t, "trouble")
	pg.Start(t)
	s.health(t, "ready")
	pg.Stop(t, syscall.SIGQUIT)
	s.health(t, "trouble")
	pg.Start(t)
	s.health(t, "ready")
	for _, what := range []string{store.Opening, store.Renewing} {
		if n, m := strings.Count(log.String(), "can't "+what), strings.Count(log.String(), "can "+what+" again"); n != 1 || m != 1 {
			t.Errorf("%s: %d times trouble, %d times its end in\n%s", what, n, m, log)
		}
	}
}

func modeOf(t *testing.T, file string) os.FileMode {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func remove(t *testing.T, file string) {
	t.Helper()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
}

// The file of a store is its owner's alone; who comes second hears why; one that is
// taken away is noticed.
func TestSQLiteFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sagas.db")
	s := serve(t, ServeOptions{Options: reference.Options{StoreDSN: file}})
	s.health(t, "ready")
	for _, f := range []string{file, file + "-wal"} {
		if mode := modeOf(t, f); mode != 0o600 {
			t.Errorf("%s: %o", f, mode)
		}
	}
	if _, err := reference.Open(t.Context(), reference.Options{StoreDSN: file}); err == nil || !strings.Contains(err.Error(), "another executor holds it") {
		t.Error(err)
	}
	remove(t, file)
	if err := <-s.ended; !errors.Is(err, store.ErrReplaced) {
		t.Error(err)
	}
	s = serve(t, ServeOptions{Options: reference.Options{StoreDSN: file}})
	s.health(t, "ready")
	remove(t, file+"-wal") // with what was written last
	if err := <-s.ended; !errors.Is(err, store.ErrReplaced) {
		t.Error(err)
	}
}
