package reference

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sagacheck/sagacheck/saga"
)

// An executor that is started while the disk is full waits for it, as one that runs
// does, and does not die. It is a process of its own: this one's files must not suffer.
func TestSQLiteOpensWhenTheDiskHasRoomAgain(t *testing.T) {
	log, err := os.Create(filepath.Join(t.TempDir(), "victim.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	n := &node{store: filepath.Join(t.TempDir(), "saga.db"), addr: freeAddr(t), log: log, full: true}
	n.start(t, 0)
	select {
	case err := <-n.gone:
		t.Fatalf("on a full disk: %v: expected patience", err)
	case <-time.After(500 * time.Millisecond):
	}
	if info, err := os.Stat(n.store); err == nil && info.Size() > 0 {
		t.Fatalf("the disk was not full: the store has %d bytes", info.Size())
	}
	n.room(t, unix.RLIM_INFINITY)
	(&server{base: "http://" + n.addr}).health(t, "ready")
	n.end(t, syscall.SIGTERM)
}

// A file that is there with wider rights stays as it is, and the log says so once.
func TestRightsOfAnOldFile(t *testing.T) {
	for rights, warnings := range map[os.FileMode]int{0o600: 0, 0o640: 1, 0o666: 1} {
		file := filepath.Join(t.TempDir(), "saga.db")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, rights); err != nil { // whatever the umask is
			t.Fatal(err)
		}
		log := &lockedBuffer{}
		e := OpenTest(t, Options{StoreDSN: file, Logger: slog.New(slog.NewJSONHandler(log, nil))})
		p := NewParticipant(t, nil)
		SubmitTest(t, e, p.Define("s", "a compensatable"))
		AwaitStatus(t, e, "s", saga.Completed)
		want := fmt.Sprintf(`"level":"WARN","msg":"the store's file is not for its owner alone, and bodies may hold secrets","file":%q,"rights":"%#o","expected":"0600"`, file, rights)
		if n := strings.Count(log.String(), want); n != warnings {
			t.Errorf("%#o: %d warnings in\n%s", rights, n, log)
		}
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != rights {
			t.Errorf("%#o: %v %v", rights, info, err)
		}
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
