package queue

import (
	"os"
	"path/filepath"
	"testing"
)

// What the server of a killed run has left goes with the next run beside it; that of a run that
// goes on stays.
func TestStoresOfKilledRunsAreRemoved(t *testing.T) {
	out := t.TempDir()
	begin := func(name string) *Store {
		t.Helper()
		run := filepath.Join(out, name)
		if err := os.Mkdir(run, 0o755); err != nil {
			t.Fatal(err)
		}
		s, err := NewStore(filepath.Join(run, "queue"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.dir, "block"), []byte("a chunk"), 0o600); err != nil {
			t.Fatal(err)
		}
		return s
	}
	killed, alive := begin("killed"), begin("alive")
	if err := killed.lock.Unlock(); err != nil { // as the system does
		t.Fatal(err)
	}
	if err := DropStores([]string{killed.dir, filepath.Join(out, "none", "queue"), alive.dir}); err != nil {
		t.Fatal(err)
	}
	next := begin("next")
	for name, there := range map[string]bool{"killed": false, "alive": true, "next": true} {
		if _, err := os.Stat(filepath.Join(out, name, "queue", "block")); (err == nil) != there {
			t.Errorf("the store of %s: %v", name, err)
		}
	}
	for _, s := range []*Store{alive, next} {
		if err := s.Drop(); err != nil {
			t.Error(err)
		}
	}
	left, err := filepath.Glob(filepath.Join(out, "*", "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%q, %v: expected empty folders", left, err)
	}
}
