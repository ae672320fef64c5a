package main

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/tinyorch"
	"github.com/sagacheck/sagacheck/results"
)

// command runs a command line in this process; its reports go to a folder of
// the test.
func command(t *testing.T, args ...string) (code int, report *results.Run, output string) {
	t.Helper()
	dir := t.TempDir()
	var out bytes.Buffer
	args = append(args, "--out", dir)
	code = run(t.Context(), process{args: args, stdout: &out, stderr: &out, getenv: func(string) string { return "" }})
	link, known := map[string]string{"check": results.CheckLink, "replay": results.ReplayLink}[args[0]]
	if !known {
		link = results.LatestLink
	}
	report, err := results.LoadRun(filepath.Join(dir, link))
	if err != nil {
		t.Fatalf("%v: exit %d, no report: %v\n%s", args, code, err, out.String())
	}
	return code, report, out.String()
}

// broken says in a line each what a run found, which CI shows of a test that failed.
func broken(report *results.Run) (lines []string) {
	for _, f := range report.Failures {
		lines = append(lines, fmt.Sprintf("%s/%s in %s: %s, by %s", f.Property, f.Clause, f.Scenario, f.Broken, f.Plan))
	}
	return lines
}

func attach(t *testing.T, bugs tinyorch.Bugs) string { return serveTiny(t, tinyorch.New(bugs)) }

func serveTiny(t *testing.T, o *tinyorch.Orchestrator) string {
	t.Helper()
	t.Cleanup(o.Close)
	s := httptest.NewServer(o)
	t.Cleanup(s.Close)
	return s.URL
}

func planFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "plan.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Plans under which the seeded bugs show.
const (
	lostAnswer   = "faults:\n  - {kind: lose, at: charge#1@response}\n"
	lostAnswers  = "faults:\n  - {kind: error, at: charge#1@commit}\n  - {kind: error, at: charge#2@receive}\n  - {kind: error, at: charge#3@receive}\n  - {kind: error, at: charge#4@receive}\n"
	refusedOnce  = "faults:\n  - {kind: reject, at: charge#1@receive}\n"
	faultFreeRun = "faults: []\n"
)

func TestOwnOrchestratorPasses(t *testing.T) {
	for name, plan := range map[string]string{"fault-free": faultFreeRun, "lost answer": lostAnswer, "attempts run out": lostAnswers, "refused": refusedOnce} {
		t.Run(name, func(t *testing.T) {
			_, report, output := command(t, "run", "--orchestrator", attach(t, tinyorch.Bugs{}), "--scenario", "order", "--plan", planFile(t, plan))
			if n := report.Totals; n.Cells != 1 || n.FaultsFired != n.FaultsPlanned || n.Violated+n.Inconclusive+n.Errors > 0 {
				t.Errorf("%+v\n%s", n, output)
			}
		})
	}
}

// TestBodiesAnew: whoever writes bodies anew, to the last digit, and claims nothing
// else, mangles nothing; participants that remember keys see the same body again.
func TestBodiesAnew(t *testing.T) {
	url := serveTiny(t, tinyorch.WithHabits(tinyorch.Habits{BodiesAnew: true}))
	_, report, output := command(t, "run", "--orchestrator", url, "--scenario", "order", "--plan", planFile(t, lostAnswer))
	if n := report.Totals; n.Violated+n.Inconclusive+n.Errors > 0 || n.FaultsFired != 1 {
		t.Errorf("%+v\n%s", n, output)
	}
	if !slices.ContainsFunc(report.Results, func(r results.Result) bool { return r.Property == "mangled-body" && r.Verdict == checkers.Pass }) {
		t.Errorf("mangled-body: expected a pass\n%s", output)
	}
}

func TestOwnOrchestratorWithSeededBug(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		bugs     tinyorch.Bugs
		plan     string
		property string
	}{
		"skips the compensation of the unknown step": {tinyorch.Bugs{SkipUnknown: true}, lostAnswers, "lost-compensation"},
		"sends a new key at each attempt":            {tinyorch.Bugs{FreshKey: true}, lostAnswer, "key-misuse"},
		"new keys charge twice":                      {tinyorch.Bugs{FreshKey: true}, lostAnswer, "duplicate-effect"},
		"reads bodies as floats":                     {tinyorch.Bugs{FloatNumbers: true}, faultFreeRun, "mangled-body"},
		"retries a 422":                              {tinyorch.Bugs{RetryRefused: true}, refusedOnce, "retried-permanent-error"},
	} {
		t.Run(name, func(t *testing.T) {
			code, report, output := command(t, "run", "--orchestrator", attach(t, c.bugs), "--scenario", "order", "--plan", planFile(t, c.plan))
			if code != 1 {
				t.Errorf("exit %d, expected 1", code)
			}
			if !slices.ContainsFunc(report.Results, func(r results.Result) bool {
				return r.Property == c.property && r.Verdict == checkers.Violation
			}) {
				t.Errorf("%s: expected a violation\n%s", c.property, output)
			}
		})
	}
}
