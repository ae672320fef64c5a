package reports_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/reports"
	"github.com/sagacheck/sagacheck/results"
)

func TestSave(t *testing.T) {
	dir := t.TempDir()
	r := samples.Red()
	if err := reports.Save(r, dir); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != "ctrf.json failures gl-code-quality-report.json junit.xml report.html report.json report.md report.sarif" {
		t.Errorf("files: %s", got)
	}
	for name, want := range map[string]string{
		results.JSONFile: "red.json", results.MarkdownFile: "red.md", "failures/duplicate-effect-order-c2.yaml": "replay.yaml",
	} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		golden(t, want, b)
	}
	loaded, err := results.LoadRun(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := loaded.Failures[0].Replay, r.Failures[0].Replay; got == nil || got.Property != want.Property || got.Tool != r.Tool {
		t.Errorf("loaded %+v, want %+v", got, want)
	}
}

// The record of the run is marked as ended when the reports are there, and not before. Where one could not be
// written the others don't say that it passed.
func TestSaveMarksTheEnd(t *testing.T) {
	dir := t.TempDir()
	m := samples.Meta()
	m.Properties = samples.Docs()[:1]
	c := results.New(m)
	if err := c.Keep(dir); err != nil {
		t.Fatal(err)
	}
	c.Planned(1)
	c.Add(results.CellInfo{}, samples.LostAnswer(), []checkers.Verdict{samples.Pass("duplicate-effect", 1)})
	r := c.Finish()
	if r.Summary.Outcome != results.Passed {
		t.Fatalf("got %+v, want a run that passed", r.Summary)
	}
	blocked := filepath.Join(dir, results.HTMLFile)
	if err := os.MkdirAll(filepath.Join(blocked, "a folder where a file should be"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, whole := range []bool{false, true} {
		if err := reports.Save(r, dir); (err == nil) != whole {
			t.Fatalf("got %v", err)
		}
		m, err := results.LoadManifest(dir)
		if err != nil {
			t.Fatal(err)
		}
		if (m.Ended != nil) != whole || (r.Dir != "") != whole {
			t.Errorf("saved whole: %v, and the end is %+v, the folder %q", whole, m.Ended, r.Dir)
		}
		for _, name := range []string{results.JSONFile, results.MarkdownFile, results.JUnitFile} {
			if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Contains(b, []byte("the report could not be written")) {
				t.Errorf("%s says nothing of a report that could not be written: %v\n%s", name, err, b)
			}
		}
		if err := os.RemoveAll(blocked); err != nil {
			t.Fatal(err)
		}
	}
}

func TestUnwritable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r := samples.Red()
	err := reports.Save(r, filepath.Join(file, "sub"))
	if err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "--out") {
		t.Errorf("got %v: expected the path and what to do", err)
	}
	var b bytes.Buffer
	if err := reports.Print(reports.Terminal{W: &b}, r); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"report: ", "sagacheck replay"} {
		if strings.Contains(b.String(), line) {
			t.Errorf("a report that was not written is pointed to:\n%s", b.String())
		}
	}
}
