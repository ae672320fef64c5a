package results_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/results"
)

// kept is a run whose record is kept in a folder: three cells planned, one run.
func kept(t *testing.T) (*results.Collector, string) {
	t.Helper()
	dir := t.TempDir()
	m := samples.Meta()
	m.Properties = samples.Docs()[:1]
	m.System = results.System{By: results.ByURL, Name: "http://127.0.0.1:8080"}
	c := results.New(m)
	if err := c.Keep(dir); err != nil {
		t.Fatal(err)
	}
	c.Plans("p1")
	c.Planned(3)
	c.Add(results.CellInfo{ID: "c1", History: "histories/c1.history.jsonl"}, samples.LostAnswer(), []checkers.Verdict{samples.Pass("duplicate-effect", 1)})
	return c, dir
}

// A run that is killed leaves what it was to do and what it has done.
func TestRecordOfKilledRun(t *testing.T) {
	_, dir := kept(t)
	m, err := results.LoadManifest(dir)
	if err != nil {
		t.Fatal(err)
	}
	if m.Planned != 3 || m.Seed != 7 || m.System.Name != "http://127.0.0.1:8080" || m.Content.Plans != "p1" || m.Properties[0] != "duplicate-effect" {
		t.Errorf("got %+v", m)
	}
	if want := "unfinished: the run was killed, or still runs: 1 of 3 planned cells are there"; m.Unfinished(1) != want {
		t.Errorf("got %q, want %q", m.Unfinished(1), want)
	}
	path := filepath.Join(dir, results.CellsFile)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(b, `{"id":"c2","sce`...), 0o600); err != nil { // killed while writing
		t.Fatal(err)
	}
	cells, err := results.LoadCells(dir)
	if err != nil || len(cells) != 1 || cells[0].ID != "c1" || cells[0].PlanID != "p-0123456789ab" {
		t.Errorf("got %+v, %v", cells, err)
	}
	if _, err := results.LoadRun(dir); !errors.Is(err, results.ErrUnfinished) || !strings.Contains(err.Error(), "1 of 3 planned cells") {
		t.Errorf("got %v, want that the run never ended", err)
	}
}

// A run that was killed between its reports and the mark of its end, or whose disk was full, has a report that may
// say anything: the record counts, as far as it is there.
func TestReportOfRunThatNeverEnded(t *testing.T) {
	c, dir := kept(t)
	r := c.Finish()
	store(t, r, dir)
	for _, cells := range []string{"1 of 3 planned cells", "0 of 3 planned cells"} {
		for _, path := range []string{dir, filepath.Join(dir, results.JSONFile)} {
			if _, err := results.LoadReport(path); !errors.Is(err, results.ErrUnfinished) || !strings.Contains(err.Error(), cells) {
				t.Errorf("%s: got %v, want that the run never ended, and %s", path, err, cells)
			}
		}
		if err := os.RemoveAll(filepath.Join(dir, results.CellsFile)); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.MarkEnd(); err != nil {
		t.Fatal(err)
	}
	if _, err := results.LoadReport(dir); err != nil {
		t.Errorf("the run has ended, and got %v", err)
	}
}

// The end mark says what a run came to.
func TestRecordOfEndedRun(t *testing.T) {
	c, dir := kept(t)
	c.AddError(results.CellInfo{ID: "c2", Scenario: "order"}, errors.New("refused"))
	c.LeftOut("after --max-time 5s", 1)
	r := c.Finish()
	if err := r.MarkEnd(); err != nil {
		t.Fatal(err)
	}
	m, err := results.LoadManifest(dir)
	if err != nil {
		t.Fatal(err)
	}
	if m.Ended == nil || m.Ended.Exit != r.Summary.Exit || m.Ended.Cells != 2 || len(m.Ended.LeftOut) != 1 || m.Unfinished(2) != "" {
		t.Errorf("got %+v", m.Ended)
	}
	cells, err := results.LoadCells(dir)
	if err != nil || len(cells) != 2 || cells[1].Error != "refused" {
		t.Errorf("got %+v, %v", cells, err)
	}
}

func TestBadRecords(t *testing.T) {
	for text, want := range map[string]string{
		`{"sagacheck_run":2}`:           "version 2: this sagacheck reads version 1",
		`{"sagacheck_run":1,"nope":[]}`: `unknown field "nope"`,
		`{`:                             "unexpected end",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, results.ManifestFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := results.LoadManifest(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, results.CellsFile), []byte("{}\nno\n{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := results.LoadCells(dir); err == nil || !strings.Contains(err.Error(), results.CellsFile+":2: ") {
		t.Errorf("got %v, want the line", err)
	}
	if _, err := results.LoadManifest(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// A record that can't be written any more is an error of the run, and told once.
func TestRecordThatFails(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("/dev/full", filepath.Join(dir, results.CellsFile)); err != nil {
		t.Fatal(err)
	}
	c := results.New(samples.Meta())
	if err := c.Keep(dir); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"c1", "c2"} {
		c.Add(results.CellInfo{ID: id}, samples.Quiet("transfer", id), nil)
	}
	r := c.Finish()
	if len(r.Errors) != 1 || !strings.Contains(r.Errors[0], "the disk is full") || r.Summary.Exit != results.ExitSystem {
		t.Errorf("errors %q, exit %d", r.Errors, r.Summary.Exit)
	}
}
