package results_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/results"
)

func TestUnwritable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, inFile := results.NewRunDir(file, "run", samples.Started)
	for _, err := range []error{inFile, results.WriteFile(filepath.Join(file, "x"), nil)} {
		if err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "--out") {
			t.Errorf("got %v: expected the path and what to do", err)
		}
	}
}

func TestRunDirAndLatest(t *testing.T) {
	out := t.TempDir()
	for range 2 {
		dir, err := results.NewRunDir(out, "run", samples.Started)
		if err != nil {
			t.Fatal(err)
		}
		if err := results.PointLatest(out, results.LatestLink, dir); err != nil {
			t.Fatal(err)
		}
		target, err := os.Readlink(filepath.Join(out, results.LatestLink))
		if err != nil {
			t.Fatal(err)
		}
		if target != filepath.Base(dir) {
			t.Errorf("latest points to %q, want %q", target, filepath.Base(dir))
		}
	}
	other := t.TempDir()
	if err := os.Mkdir(filepath.Join(other, results.LatestLink), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := results.PointLatest(other, results.LatestLink, filepath.Join(other, "x")); err == nil {
		t.Error("a folder named latest was replaced")
	}
}
