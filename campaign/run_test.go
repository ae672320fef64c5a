package campaign

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/results"
)

func lostAnswer(t testing.TB) RunOptions {
	t.Helper()
	o := RunOptions{Settings: Defaults(), Plan: "testdata/lost-answer.yaml"}
	o.Scenarios, o.Properties, o.Out = []string{"single-step"}, []string{"duplicate-effect"}, t.TempDir()
	return o
}

// What went wrong says whose matter it is.
func TestErrorsHaveExits(t *testing.T) {
	over, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := WithBudget(t.Context(), -time.Second, "after one second")
	defer cancel()
	for name, c := range map[string]struct {
		ctx    context.Context
		change func(*RunOptions)
		exit   int
		text   string
	}{
		"settings without Defaults": {t.Context(), func(o *RunOptions) { o.Plan, o.Settings = "", Settings{} }, results.ExitUsage, "--participants"},
		"no such scenario":          {t.Context(), func(o *RunOptions) { o.Plan, o.Scenarios = "", []string{"nosuch"} }, results.ExitUsage, "--scenario"},
		"no such plan":              {t.Context(), func(o *RunOptions) { o.Plan = "nosuch.yaml" }, results.ExitUsage, "--plan"},
		"runs":                      {t.Context(), func(o *RunOptions) { o.Runs = -1 }, results.ExitUsage, "--runs"},
		"shrinking":                 {t.Context(), func(o *RunOptions) { o.Shrink = Shrink{On: true, MaxRuns: 1} }, results.ExitUsage, "--max-shrink-runs"},
		"nobody there":              {t.Context(), func(o *RunOptions) { o.Orchestrator = "http://127.0.0.1:1" }, results.ExitSystem, "127.0.0.1:1"},
		"interrupted":               {over, func(o *RunOptions) { o.Orchestrator, o.WaitFor = "http://127.0.0.1:1", "http://127.0.0.1:1" }, results.ExitInterrupted, ""},
		"its time over":             {late, func(o *RunOptions) { o.Plan, o.Orchestrator = "", "http://127.0.0.1:1" }, results.ExitUnproven, "after one second"},
	} {
		t.Run(name, func(t *testing.T) {
			o := lostAnswer(t)
			c.change(&o)
			done, err := Run(c.ctx, Host{}, o)
			var failed *Error
			if done != nil || !errors.As(err, &failed) || failed.Exit != c.exit || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v, %#v: expected exit %d and %q", done, err, c.exit, c.text)
			}
		})
	}
}

// A reference executor that can't have a store is trouble of the system, with its reason: it was a panic.
func TestReferenceThatDoesNotStart(t *testing.T) {
	o := lostAnswer(t)
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
	_, err := Run(t.Context(), Host{}, o)
	var failed *Error
	if !errors.As(err, &failed) || failed.Exit != results.ExitSystem || !strings.Contains(err.Error(), "folder for the reference executor's store") {
		t.Errorf("got %v", err)
	}
}

// counted is progress that is only counted.
type counted struct{ done, finished *atomic.Int64 }

func (c counted) SetTotal(int)       {}
func (c counted) Done(results.State) { c.done.Add(1) }
func (c counted) Finish()            { c.finished.Add(1) }

// A run tells its host how far it is, and leaves what can be judged again.
func TestRunIsCheckedAgain(t *testing.T) {
	var lines []string
	var done, finished atomic.Int64
	host := Host{
		Tool: "test", Command: "a test", Say: func(line string) { lines = append(lines, line) },
		Progress: func(string, int) Progress { return counted{&done, &finished} },
	}
	o := lostAnswer(t)
	ran, err := Run(t.Context(), host, o)
	if err != nil {
		t.Fatal(err)
	}
	if n := ran.Run.Totals; n.Cells != 1 || n.FaultsFired != 1 || n.Violated > 0 || done.Load() != 1 || finished.Load() != 1 {
		t.Errorf("%+v, %d cells told, finished %d times", n, done.Load(), finished.Load())
	}
	if want := "seed 1, 1 cell, reference, fenced participants"; len(lines) != 1 || lines[0] != want {
		t.Errorf("said %q, want %q", lines, want)
	}
	if ran.Run.Tool != "test" || ran.Run.Command != "a test" || ran.Link != results.LatestLink {
		t.Errorf("tool %q, command %q, link %q", ran.Run.Tool, ran.Run.Command, ran.Link)
	}
	if _, err := os.Stat(filepath.Join(ran.Dir, results.HistoriesDir)); err != nil {
		t.Error(err)
	}
	checked, err := Check(t.Context(), host, CheckOptions{Paths: []string{ran.Dir}, Properties: o.Properties, Out: o.Out})
	if err != nil {
		t.Fatal(err)
	}
	if checked.Run.Totals != ran.Run.Totals || checked.Link != results.CheckLink {
		t.Errorf("run %+v, checked %+v, link %q", ran.Run.Totals, checked.Run.Totals, checked.Link)
	}
}

// Parts that nobody has run can't be joined.
func TestMergeOfNothing(t *testing.T) {
	var failed *Error
	if _, err := Merge(Host{}, []string{t.TempDir()}, t.TempDir(), Gate{}); !errors.As(err, &failed) || failed.Exit != results.ExitUsage {
		t.Errorf("got %v", err)
	}
}
