package results_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/results"
)

// A path stays right when the folder of both is moved, and when the last run is another one.
func TestPathFrom(t *testing.T) {
	out := t.TempDir()
	for _, run := range []string{"one", "two", "joined"} {
		if err := os.MkdirAll(filepath.Join(out, run), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := results.PointLatest(out, results.LatestLink, filepath.Join(out, "one")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(out, results.LatestLink, "histories", "c1.history.jsonl")
	if err := os.Mkdir(filepath.Join(out, "one", "histories"), 0o700); err != nil {
		t.Fatal(err)
	}
	if got, want := results.PathFrom(filepath.Join(out, "joined"), file), filepath.Join("..", "one", "histories", "c1.history.jsonl"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	t.Chdir(out)
	for _, dir := range []string{"joined", filepath.Join(out, "joined")} { // one path absolute, the other not
		for _, file := range []string{"two/a", filepath.Join(out, "two", "a")} {
			if got, want := results.PathFrom(dir, file), filepath.Join("..", "two", "a"); got != want {
				t.Errorf("%s from %s: got %q, want %q", file, dir, got, want)
			}
		}
	}
}

// The history behind a replay file is found where the report says that it is, such as in the folder of the run that
// was gone on with, and its page links to it there.
func TestHistoriesOfOtherFolders(t *testing.T) {
	out := t.TempDir()
	dir, first := filepath.Join(out, "second"), filepath.Join(out, "first", results.HistoriesDir)
	for _, d := range []string{dir, first} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	h := samples.LostAnswer()
	file := filepath.Join(first, "c2.history.jsonl")
	if err := h.Save(file); err != nil {
		t.Fatal(err)
	}
	c := results.New(samples.Meta())
	c.Add(results.CellInfo{History: file}, h, checkers.Judge(h, checkers.All()))
	r := c.Finish()
	if len(r.Failures) == 0 {
		t.Fatal("nothing was found")
	}
	r.KeepIn(dir)
	const path = "../first/histories/c2.history.jsonl"
	if f := r.Failures[0]; f.History != path || r.Cells[0].History != path {
		t.Errorf("the report has %q and %q, want %q", f.History, r.Cells[0].History, path)
	}
	store(t, r, dir)
	pm, err := results.NewPostmortem(filepath.Join(dir, r.Failures[0].File))
	if err != nil {
		t.Fatal(err)
	}
	if pm.Step.Name != "charge" || !strings.Contains(pm.Witness.Broken, "charge") {
		t.Errorf("got %+v", pm.Witness)
	}
	elsewhere, err := results.Elsewhere(dir)
	if err != nil || len(elsewhere) != 1 || elsewhere["/first/histories/c2.history.jsonl"] != filepath.Join(dir, path) {
		t.Errorf("got %v %v", elsewhere, err)
	}
}

func TestLink(t *testing.T) {
	for path, want := range map[string]string{
		"histories/c1.history.jsonl": "histories/c1.history.jsonl", "../run #1/a?b%c": "../run%20%231/a%3Fb%25c",
	} {
		if got := results.Link(path); got != want {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
}
