package campaign

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sagacheck/sagacheck/queue"
	"github.com/sagacheck/sagacheck/results"
)

// Only runs have stores that may be removed, whatever their folder is called.
func TestOnlyRunsHaveStores(t *testing.T) {
	out := filepath.Join(t.TempDir(), "runs[1")
	for _, file := range []string{"run/" + results.ManifestFile, "run/queue/lock", "mine/queue/lock"} {
		path := filepath.Join(out, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := storesIn(out), []string{filepath.Join(out, "run", "queue")}; !slices.Equal(got, want) {
		t.Errorf("stores %q, want %q", got, want)
	}
}

// The temporary folder of workers of a killed run goes with the next one; that of one that goes on stays.
func TestTemporaryFoldersOfWorkers(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	killed := filepath.Join(tmp, workersTmp+"7")
	if err := os.Mkdir(killed, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(killed, "lock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, one, err := tmpOfWorkers(testHost())
	if err != nil {
		t.Fatal(err)
	}
	dir, two, err := tmpOfWorkers(testHost())
	if err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(tmp, "*"))
	if err != nil || len(left) != 2 || slices.Contains(left, killed) || !slices.Contains(left, dir) {
		t.Errorf("%q, %v: expected those of the two that go on", left, err)
	}
	for _, s := range []*queue.Store{one, two} {
		if err := s.Drop(); err != nil {
			t.Error(err)
		}
	}
	if left, err = filepath.Glob(filepath.Join(tmp, "*")); err != nil || len(left) > 0 {
		t.Errorf("%q, %v is left", left, err)
	}
}
