package results_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/results"
)

// keepRun is the folder of a run of so many cells that pass, and after them one that
// breaks something, one that is left open, and one with advice.
func keepRun(t *testing.T, keep results.Keep, green int) (*results.Run, string) {
	t.Helper()
	dir, err := results.NewRunDir(t.TempDir(), "run", samples.Started)
	if err != nil {
		t.Fatal(err)
	}
	m := samples.Meta()
	m.Keep = keep
	m.Properties = append(m.Properties, checkers.Doc{Name: "some-advice", Advice: true})
	c := results.New(m)
	if err := c.Keep(dir); err != nil {
		t.Fatal(err)
	}
	c.Planned(green + 3)
	add := func(id string, v checkers.Verdict) {
		file := filepath.Join(results.HistoriesDir, id+".history.jsonl")
		if err := samples.Quiet("transfer", id).Save(filepath.Join(dir, file)); err != nil {
			t.Fatal(err)
		}
		c.Add(results.CellInfo{ID: id, History: file}, samples.Quiet("transfer", id), []checkers.Verdict{v})
	}
	for n := range green {
		add(fmt.Sprintf("green-%d", n), samples.Pass("duplicate-effect", 1))
	}
	add("red", checkers.Verdict{Property: "duplicate-effect", Outcome: checkers.Violation, Witnesses: []checkers.Witness{{Broken: "twice"}}})
	add("open", checkers.Verdict{Property: "duplicate-effect", Outcome: checkers.Inconclusive, Reason: "who knows"})
	add("advised", checkers.Verdict{Property: "some-advice", Outcome: checkers.Violation, Witnesses: []checkers.Witness{{Broken: "better not"}}})
	r := c.Finish()
	if err := r.MarkEnd(); err != nil {
		t.Fatal(err)
	}
	return r, dir
}

// What is not kept is gone from the disk, is counted, and is named in the record; what
// shows anything stays.
func TestKeep(t *testing.T) {
	const green = 2*results.SampleEvery + 5
	for keep, want := range map[results.Keep]int{
		"": green, results.KeepAll: green, results.KeepBySize: green, results.KeepFailures: 0,
		results.KeepSample: results.SampleFirst + 2,
	} {
		t.Run(string(keep), func(t *testing.T) {
			r, dir := keepRun(t, keep, green)
			files, err := filepath.Glob(filepath.Join(dir, results.HistoriesDir, "*"))
			if err != nil || len(files) != want+3 {
				t.Errorf("%d histories (%v), expected those of %d green cells and of 3 others", len(files), err, want)
			}
			if r.Totals.NotKept != green-want || r.Totals.Passed != green+1 {
				t.Errorf("%d histories not kept of %d passed, expected %d of %d", r.Totals.NotKept, r.Totals.Passed, green-want, green+1)
			}
			for _, c := range r.Cells {
				_, err := os.Stat(filepath.Join(dir, c.History))
				if kept := c.History != "" && err == nil; kept == c.NotKept {
					t.Errorf("cell %s: %q, not kept: %t: %v", c.ID, c.History, c.NotKept, err)
				}
			}
		})
	}
}

// A run that is judged again is not green where histories were not kept, and says why.
func TestStoredNotKept(t *testing.T) {
	_, dir := keepRun(t, results.KeepFailures, 4)
	s, err := results.FindStored([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Cells) != 3 {
		t.Errorf("%d cells to judge, expected 3", len(s.Cells))
	}
	r, _ := told(s)
	if r.Summary.Exit == results.ExitPass || !strings.Contains(strings.Join(r.Summary.Reasons, "\n"), "4 cells that passed can't be judged again") {
		t.Errorf("got %+v", r.Summary)
	}
}

// A value of --keep that there is not is refused with those that there are.
func TestKeepCheck(t *testing.T) {
	if err := results.Keep("some").Check(); err == nil || !strings.Contains(err.Error(), "by-size, all, sample, failures") {
		t.Errorf("got %v", err)
	}
	for _, k := range results.Keeps() {
		if err := results.Keep(k).Check(); err != nil {
			t.Error(err)
		}
	}
}

// A history that another run has left, as of an exploration that goes on, is not this one's to
// remove.
func TestKeepAnothers(t *testing.T) {
	_, before := keepRun(t, results.KeepAll, 1)
	file := filepath.Join(before, results.HistoriesDir, "green-0.history.jsonl")
	for _, keep := range []results.Keep{"", results.KeepFailures} {
		m := samples.Meta()
		m.Keep = keep
		c := results.New(m)
		if err := c.Keep(t.TempDir()); err != nil {
			t.Fatal(err)
		}
		c.Add(results.CellInfo{ID: "green-0", History: file}, samples.Quiet("transfer", "green-0"), []checkers.Verdict{samples.Pass("duplicate-effect", 1)})
		if r := c.Finish(); len(r.Errors) > 0 || r.Totals.NotKept > 0 {
			t.Errorf("%q: %v, %d not kept", keep, r.Errors, r.Totals.NotKept)
		}
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}
}
