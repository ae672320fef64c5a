package api

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
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
