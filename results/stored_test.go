package results_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/results"
)

// storedRun is the folder of a run of two planned cells: the first has its history,
// the second failed. Beside them is a history that belongs to no cell.
func storedRun(t *testing.T, ended bool) string {
	t.Helper()
	dir, err := results.NewRunDir(t.TempDir(), "run", samples.Started)
	if err != nil {
		t.Fatal(err)
	}
	c := results.New(samples.Meta())
	if err := c.Keep(dir); err != nil {
		t.Fatal(err)
	}
	c.Planned(2)
	c.Add(results.CellInfo{ID: "c1", History: "histories/c1.history.jsonl"}, samples.Quiet("transfer", "c1"), []checkers.Verdict{samples.Pass("duplicate-effect", 1)})
	c.AddError(results.CellInfo{ID: "c2"}, errors.New("refused"))
	for _, name := range []string{"c1", "replay-of-c1"} {
		if err := samples.Quiet("transfer", name).Save(filepath.Join(dir, results.HistoriesDir, name+".history.jsonl")); err != nil {
			t.Fatal(err)
		}
	}
	if r := c.Finish(); ended {
		if err := r.MarkEnd(); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// told is what a collector makes of what is stored, without its cells.
func told(s *results.Stored) (*results.Run, []string) {
	c := results.New(s.Meta())
	notes := s.Tell(c)
	return c.Finish(), notes
}

// The record of a run says which cells it has, and not the files that lie there.
func TestStoredRun(t *testing.T) {
	dir := storedRun(t, true)
	for _, path := range []string{dir, filepath.Join(dir, results.HistoriesDir), filepath.Dir(dir)} {
		s, err := results.FindStored([]string{path})
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Cells) != 2 || s.Cells[0].Info.ID != "c1" || s.Cells[1].Failed != "refused" || len(s.Histories()) != 1 {
			t.Errorf("%s: got %+v", path, s.Cells)
		}
		r, notes := told(s)
		if r.Planned != 2 || r.Seed != 7 || len(r.Unfinished) > 0 {
			t.Errorf("%s: got %d planned, seed %d, unfinished %q", path, r.Planned, r.Seed, r.Unfinished)
		}
		if len(notes) != 1 || !strings.Contains(notes[0], "1 more histories belong to no planned cell") {
			t.Errorf("%s: notes %q", path, notes)
		}
	}
}

// What is missing of a run is said, so that no one takes it for whole.
func TestStoredRunThatIsNotWhole(t *testing.T) {
	killed, robbed := storedRun(t, false), storedRun(t, true)
	if err := os.Remove(filepath.Join(robbed, results.HistoriesDir, "c1.history.jsonl")); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{killed: "the run was killed, or still runs: 2 of 2 planned cells", robbed: "1 of the histories that its record names are gone"} {
		s, err := results.FindStored([]string{dir})
		if err != nil {
			t.Fatal(err)
		}
		if r, _ := told(s); len(r.Unfinished) != 1 || !strings.Contains(r.Unfinished[0], want) || r.Summary.Exit == results.ExitPass {
			t.Errorf("got %q, exit %d, want %q", r.Unfinished, r.Summary.Exit, want)
		}
	}
}

// What went wrong outside of the cells is in no history: the record of the run has it, and it is told again with
// the same exit code.
func TestStoredRunWithTroubleOfItsOwn(t *testing.T) {
	const late = "2 calls came for sagas whose cells were over"
	for name, c := range map[string]struct {
		change func(*results.Run)
		exit   int
		want   string
	}{
		"late calls": {func(r *results.Run) { r.Errors = []string{late} }, results.ExitSystem, late},
		"a record of before that does not tell its errors": {
			func(r *results.Run) { r.Summary.Outcome = results.Errored }, results.ExitSystem, "it ended with an error that its record does not tell",
		},
		"interrupted": {func(r *results.Run) { r.Interrupted = true }, results.ExitUnproven, "it was interrupted: only what had run is there"},
		"neither":     {func(*results.Run) {}, results.ExitPass, ""},
	} {
		dir, err := results.NewRunDir(t.TempDir(), "run", samples.Started)
		if err != nil {
			t.Fatal(err)
		}
		meta := samples.Meta()
		meta.Properties = nil
		run := results.New(meta)
		if err := run.Keep(dir); err != nil {
			t.Fatal(err)
		}
		green := []checkers.Verdict{samples.Clauses(checkers.Count{Clause: "retry", Held: 1})}
		h := samples.Quiet("transfer", "c1")
		if err := h.Save(filepath.Join(dir, results.HistoriesDir, "c1.history.jsonl")); err != nil {
			t.Fatal(err)
		}
		run.Planned(1)
		run.Add(results.CellInfo{ID: "c1", History: "histories/c1.history.jsonl"}, h, green)
		r := run.Finish()
		c.change(r)
		if name != "a record of before that does not tell its errors" {
			r.Judge()
		}
		if err := r.MarkEnd(); err != nil {
			t.Fatal(err)
		}
		s, err := results.FindStored([]string{dir})
		if err != nil {
			t.Fatal(err)
		}
		again := results.New(meta)
		s.Tell(again)
		again.Add(s.Cells[0].Info, h, green)
		got := again.Finish().Summary
		if got.Exit != c.exit || c.want != "" && (len(got.Reasons) != 1 || got.Reasons[0] != dir+": "+c.want) {
			t.Errorf("%s: exit %d, %q, want %d", name, got.Exit, got.Reasons, c.exit)
		}
	}
}

// What runs don't have in common is not said of them together; histories of no run
// are counted as planned beside them.
func TestStoredRunsTogether(t *testing.T) {
	dir := storedRun(t, true)
	loose := filepath.Join(t.TempDir(), "mine.history.jsonl")
	if err := samples.LostAnswer().Save(loose); err != nil {
		t.Fatal(err)
	}
	s, err := results.FindStored([]string{dir, loose})
	if err != nil {
		t.Fatal(err)
	}
	if r, _ := told(s); r.Planned != 3 || r.Seed != 0 || len(s.Histories()) != 2 {
		t.Errorf("got %d planned, seed %d, histories %v", r.Planned, r.Seed, s.Histories())
	}
	for path, want := range map[string]string{t.TempDir(): "no history in it", loose + ".no": "no such file"} {
		if _, err := results.FindStored([]string{path}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
