package results_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/results"
)

// record is the folder of a run of a command, so long after the others began, with a report and its end, with neither, or
// without a record at all.
func record(t *testing.T, out, command string, after time.Duration, state string) string {
	t.Helper()
	m := samples.Meta()
	m.Started = samples.Started.Add(after)
	dir, err := results.NewRunDir(out, command, m.Started)
	if err != nil {
		t.Fatal(err)
	}
	if state == "not begun" {
		return dir
	}
	c := results.New(m)
	if err := c.Keep(dir); err != nil {
		t.Fatal(err)
	}
	c.Planned(4)
	if r := c.Finish(); state == "ended" {
		store(t, r, dir)
		if err := r.MarkEnd(); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Where a later run has not come to its end, nobody takes the one before it for the last.
func TestOvertaken(t *testing.T) {
	for name, c := range map[string]struct {
		command string
		after   time.Duration
		state   string
		want    string // empty: latest is the last
	}{
		"killed":                       {"run", time.Second, "killed", "0 of 4 planned cells are there: no report"},
		"killed in the same second":    {"run", 0, "killed", "0 of 4 planned cells are there: no report"},
		"killed before its first cell": {"explore", time.Second, "not begun", "the run was killed before its first cell"},
		"killed earlier":               {"run", -time.Second, "killed", ""},
		"a replay, which has its own":  {"replay", time.Second, "killed", ""},
		"ended":                        {"run", time.Second, "ended", ""},
	} {
		t.Run(name, func(t *testing.T) {
			out := t.TempDir()
			latest := filepath.Join(out, results.LatestLink)
			taken := record(t, out, "run", 0, "ended")
			if err := results.PointLatest(out, results.LatestLink, taken); err != nil {
				t.Fatal(err)
			}
			later := record(t, out, c.command, c.after, c.state)
			for _, path := range []string{out, latest, filepath.Join(latest, results.JSONFile)} {
				_, err := results.LoadReport(path)
				if (err == nil) != (c.want == "") {
					t.Fatalf("%s: got %v, want %q", path, err, c.want)
				}
				if err != nil && (!errors.Is(err, results.ErrUnfinished) || !strings.Contains(err.Error(), later) || !strings.Contains(err.Error(), c.want)) {
					t.Errorf("%s: got %v, want %q of %s", path, err, c.want, later)
				}
			}
			if _, err := results.LoadReport(taken); err != nil {
				t.Errorf("a run that is named by its folder: %v", err)
			}
			s, err := results.FindStored([]string{latest})
			if err != nil {
				t.Fatal(err)
			}
			if _, notes := told(s); (len(notes) == 1 && strings.Contains(notes[0], later)) != (c.want != "") {
				t.Errorf("check says %q, want %q", notes, c.want)
			}
		})
	}
}

// A copy may have made a folder of the link.
func TestOvertakenCopy(t *testing.T) {
	out := t.TempDir()
	if err := os.Rename(record(t, out, "run", time.Second, "ended"), filepath.Join(out, results.LatestLink)); err != nil {
		t.Fatal(err)
	}
	record(t, out, "run", 0, "killed")
	if _, err := results.LoadReport(out); err != nil {
		t.Error(err)
	}
	record(t, out, "run", 2*time.Second, "killed")
	if _, err := results.LoadReport(out); !errors.Is(err, results.ErrUnfinished) {
		t.Errorf("got %v, want the later run", err)
	}
}
