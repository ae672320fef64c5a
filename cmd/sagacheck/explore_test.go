package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sagacheck/sagacheck/campaign"
	"github.com/sagacheck/sagacheck/internal/tinyorch"
	"github.com/sagacheck/sagacheck/results"
)

func covered(t *testing.T, run *results.Run, output string) (plans results.PlanCount) {
	t.Helper()
	if run.Coverage == nil {
		t.Fatalf("the report has no coverage\n%s", output)
	}
	for _, p := range run.Coverage.Points {
		if p.Hit < p.Reachable {
			t.Errorf("%s at %s: not hit: %v", p.Kind, p.Phase, p.Missed)
		}
	}
	return run.Coverage.Plans[0]
}

func TestExploreStrikesEveryPoint(t *testing.T) {
	t.Parallel()
	code, run, output := command(t, "explore", "--scenario", "single-step", "--property", "untraceable-call", "--parallel", "8")
	if code != results.ExitPass {
		t.Errorf("exit %d\n%s", code, output)
	}
	plans := covered(t, run, output)
	if plans.Run+plans.Pruned != plans.Raw || plans.Run < 40 {
		t.Errorf("%d plans run of %d: expected all, and 40 or more", plans.Run, plans.Raw)
	}
	if !strings.Contains(output, "crash-orchestrator") {
		t.Errorf("the table does not show crashes\n%s", output)
	}
}

func TestExploreShrinksWhatItFinds(t *testing.T) {
	t.Parallel()
	code, run, output := command(t, "explore", "--orchestrator", attach(t, tinyorch.Bugs{}), "--scenario", "order", "--participants", "naive",
		"--property", "duplicate-effect", "--max-plans", "80", "--max-shrink-runs", "60", "--parallel", "8")
	if code != results.ExitViolation {
		t.Fatalf("exit %d\n%s", code, output)
	}
	for _, f := range run.Failures {
		if f.ShrunkFrom == "" {
			continue
		}
		if f.Faults != 1 || f.Reproduced == nil || f.Reproduced.Hits == 0 {
			t.Errorf("shrunk to %d faults (%s), reproduced %+v", f.Faults, f.Plan, f.Reproduced)
		}
		r, err := results.LoadReplay(filepath.Join(run.Dir, f.File))
		if err != nil {
			t.Fatal(err)
		}
		if n := len(r.Definitions[0].Steps); n != 1 {
			t.Errorf("the smallest saga has %d steps, want one", n)
		}
		return
	}
	t.Errorf("no failure was shrunk\n%s", output)
}

func TestExploreGoesOn(t *testing.T) {
	t.Parallel()
	url := attach(t, tinyorch.Bugs{})
	args := []string{"explore", "--orchestrator", url, "--scenario", "single-step", "--property", "untraceable-call", "--parallel", "8"}
	_, first, _ := command(t, append(args, "--max-plans", "12")...)
	if n := first.Coverage.Plans[0]; n.Run != 12 || n.NotRun == 0 {
		t.Errorf("%d plans run, %d not: expected 12, and the others named", n.Run, n.NotRun)
	}
	if first.Summary.Outcome != results.Incomplete || first.Summary.Exit != results.ExitUnproven {
		t.Errorf("an exploration that a budget cut ends as %+v", first.Summary)
	}
	// The file knows the flags.
	code, second, output := command(t, "explore", "--parallel", "8", "--resume", filepath.Join(first.Dir, campaign.ExploreLog))
	plans := covered(t, second, output)
	if code != results.ExitPass || plans.Run+plans.Pruned != plans.Raw {
		t.Errorf("exit %d, %d of %d plans\n%s", code, plans.Run, plans.Raw, output)
	}
	recalled := 0
	for _, c := range second.Cells {
		if !filepath.IsLocal(c.History) { // it is in the folder of the first
			recalled++
		}
	}
	if recalled != 12 {
		t.Errorf("%d plans were taken from the first exploration, want 12", recalled)
	}
}

// check counts the cells of an exploration as the exploration did, with its probes,
// its repeated tries and what it left out.
func TestCheckAfterExplore(t *testing.T) {
	t.Parallel()
	_, explored, _ := command(t, "explore", "--orchestrator", attach(t, tinyorch.Bugs{}), "--scenario", "order", "--participants", "naive",
		"--property", "duplicate-effect", "--max-plans", "60", "--max-shrink-runs", "20", "--parallel", "8")
	code, checked, output := command(t, "check", "--property", "duplicate-effect", explored.Dir)
	if explored.Totals.Violated == 0 || explored.Totals.Probes == 0 {
		t.Fatalf("explored: %+v", explored.Totals)
	}
	if checked.Totals != explored.Totals || code != explored.Summary.Exit || checked.Seed != explored.Seed || checked.Planned != explored.Planned {
		t.Errorf("explored %+v, exit %d\nchecked  %+v, exit %d\n%s", explored.Totals, explored.Summary.Exit, checked.Totals, code, output)
	}
}

func TestExploreShards(t *testing.T) {
	t.Parallel()
	url := attach(t, tinyorch.Bugs{})
	var parts []*results.Run
	for _, shard := range []string{"1/2", "2/2"} {
		_, run, _ := command(t, "explore", "--orchestrator", url, "--scenario", "single-step", "--property", "untraceable-call", "--parallel", "8", "--shard", shard)
		parts = append(parts, run)
	}
	whole, err := results.Merge(parts)
	if err != nil {
		t.Fatal(err)
	}
	plans := covered(t, whole, "")
	if plans.Run+plans.Pruned != plans.Raw || plans.NotRun != 0 || len(whole.Coverage.NotRun) != 0 {
		t.Errorf("joined: %+v, not run %+v", plans, whole.Coverage.NotRun)
	}
	if a, b := parts[0].Coverage.Plans[0].Run, parts[1].Coverage.Plans[0].Run; a == 0 || b == 0 {
		t.Errorf("shares of %d and %d plans", a, b)
	}
}

// TestSecretsAreNotNoted: the log of an exploration is a file of the run, and is shown around.
func TestSecretsAreNotNoted(t *testing.T) {
	c := newExplore(process{})
	if err := c.ParseFlags([]string{
		"--orchestrator", "http://user:secret@127.0.0.1:8080", "--depth", "2",
		"--pack", "https://token@git.example/pack.git#v1", "--scenario", "order,ssh://git@git.example/x",
	}); err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{"depth": {"2"}, "scenario": {"order", "ssh://git@git.example/x"}}
	if diff := cmp.Diff(want, givenFlags(c)); diff != "" {
		t.Error(diff)
	}
}
