package results_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/sagacheck/sagacheck/results"
)

func TestPlace(t *testing.T) {
	order := results.Source{Scenario: "order", File: "order.yaml", Line: 2, Steps: map[string]int{"charge": 7}}
	manifest := results.Source{File: "orchestrator.yaml", Line: 1}
	for _, c := range []struct {
		sources        []results.Source
		scenario, step string
		file           string
		line           int
	}{
		{nil, "order", "charge", "", 1},
		{[]results.Source{order}, "order", "charge", "order.yaml", 7},
		{[]results.Source{order}, "order", "charge.undo(2)", "order.yaml", 7},
		{[]results.Source{order}, "order", "charge(3)", "order.yaml", 7},
		{[]results.Source{order}, "order", "charge.callback", "order.yaml", 7},
		{[]results.Source{order}, "order", "another", "order.yaml", 2},
		{[]results.Source{order}, "order", "", "order.yaml", 2},
		{[]results.Source{order}, "transfer", "charge", "", 1},
		{[]results.Source{manifest, order}, "order", "charge", "order.yaml", 7},
		{[]results.Source{order, manifest}, "transfer", "charge", "orchestrator.yaml", 1},
		{[]results.Source{order, manifest}, "", "", "orchestrator.yaml", 1},
	} {
		r := &results.Run{Sources: c.sources}
		if file, line := r.Place(c.scenario, c.step); file != c.file || line != c.line {
			t.Errorf("%s/%s is at %s:%d, want %s:%d", c.scenario, c.step, file, line, c.file, c.line)
		}
	}
}

// A file is named as those who look at the repository name it, from wherever the run began; one outside of any, from there.
func TestFilesAreNamedFromTheRootOfTheirRepository(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"repo/.git", "repo/tests/sagas", "elsewhere"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(filepath.Join(root, "repo", "tests"))
	for path, want := range map[string]string{
		"sagas/order.yaml":    "tests/sagas/order.yaml",
		"../order.yaml":       "order.yaml",
		"../../elsewhere/a.b": filepath.ToSlash(filepath.Join(root, "elsewhere", "a.b")),
	} {
		if got := results.InRepository(path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	t.Chdir(root)
	if got := results.InRepository("elsewhere/a.b"); got != "elsewhere/a.b" {
		t.Errorf("without a repository it is %q", got)
	}
}
