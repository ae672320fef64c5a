package results_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/results"
)

func TestLoadRun(t *testing.T) {
	dir := t.TempDir()
	r := samples.Red()
	store(t, r, dir)
	loaded, err := results.LoadRun(dir)
	if err != nil {
		t.Fatal(err)
	}
	var a, b bytes.Buffer
	if err := r.WriteJSON(&a); err != nil {
		t.Fatal(err)
	}
	if err := loaded.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	if a.String() != b.String() {
		t.Error("a loaded report is not the saved one")
	}
	if loaded.Failures[0].Replay == nil || loaded.Failures[0].Replay.Property != "duplicate-effect" {
		t.Error("a loaded report has no replay")
	}
}

// A folder of --out stands for its last run.
func TestLoadRunOfOut(t *testing.T) {
	out := t.TempDir()
	dir, err := results.NewRunDir(out, "run", samples.Started)
	if err != nil {
		t.Fatal(err)
	}
	store(t, samples.Red(), dir)
	if err := results.PointLatest(out, results.LatestLink, dir); err != nil {
		t.Fatal(err)
	}
	if _, err := results.LoadRun(out); err != nil {
		t.Error(err)
	}
	if _, err := results.LoadRun(t.TempDir()); err == nil || !strings.Contains(err.Error(), "expected the folder of a run") {
		t.Errorf("got %v", err)
	}
}

func TestOtherVersionOfReport(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{
		`{"sagacheck_report":2}`:           "version 2: this sagacheck reads version 1",
		`{"sagacheck_report":1,"nope":[]}`: `unknown field "nope"`,
		`{`:                                "unexpected end",
	} {
		if err := os.WriteFile(filepath.Join(dir, "report.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := results.LoadRun(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
	if _, err := results.LoadRun(filepath.Join(dir, "no")); err == nil {
		t.Error("a missing report is no error")
	}
}
