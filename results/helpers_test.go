package results_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sagacheck/sagacheck/results"
)

// store writes into dir what LoadRun reads: the report, and the replay files.
func store(t *testing.T, r *results.Run, dir string) {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{results.JSONFile: b.Bytes()}
	for _, f := range slices.Concat(r.Failures, r.Beside) {
		text, err := f.Replay.Encode("")
		if err != nil {
			t.Fatal(err)
		}
		files[f.File] = text
	}
	if err := os.MkdirAll(filepath.Join(dir, results.FailuresDir), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := results.WriteFile(filepath.Join(dir, name), text); err != nil {
			t.Fatal(err)
		}
	}
}
