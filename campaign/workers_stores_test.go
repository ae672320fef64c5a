package campaign

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

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
