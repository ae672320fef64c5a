package results_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/results"
)

// How often a cause broke what it broke is counted set by set, also over shards.
func TestCellsOfEachCause(t *testing.T) {
	var shards []*results.Run
	for i := 1; i <= 2; i++ {
		m := samples.Meta()
		m.Shard = &results.Shard{I: i, N: 2}
		c := results.New(m)
		h := samples.LostAnswer()
		one := samples.Duplicate(h)
		both := one
		both.Property = "lost-compensation"
		c.Add(results.CellInfo{ID: "c1"}, h, []checkers.Verdict{one, both})
		c.Add(results.CellInfo{ID: "c2"}, h, []checkers.Verdict{one})
		c.Add(results.CellInfo{ID: "c3"}, h, []checkers.Verdict{one})
		shards = append(shards, c.Finish())
	}
	r, err := results.Merge(shards)
	if err != nil {
		t.Fatal(err)
	}
	for cell, want := range map[string]int{"c1": 2, "c2": 4} {
		i := slices.IndexFunc(r.Failures, func(f results.Failure) bool { return f.Cell == cell })
		if got := r.Like(r.Failures[i]); got != want {
			t.Errorf("%s: got %d, want %d", cell, got, want)
		}
	}
	if got := shards[0].Like(shards[0].Failures[0]); got > 2 {
		t.Errorf("a shard counts %d after they are joined", got)
	}
}

// What one cause broke is one failure, under the most telling property, with the
// others beside it; every property keeps its own count.
func TestOneCauseOneFinding(t *testing.T) {
	r := samples.OneCause()
	if len(r.Failures) != 2 || r.Failures[0].Property != "duplicate-effect" || !slices.Equal(r.Failures[0].Also, []string{"lost-compensation"}) || len(r.Failures[1].Also) > 0 {
		t.Errorf("got %d failures, the first of %s, also %v", len(r.Failures), r.Failures[0].Property, r.Failures[0].Also)
	}
	want := []string{"duplicate-effect was violated in 2 cells", "the same cells also broke lost-compensation in 1 cell"}
	if !slices.Equal(r.Summary.Reasons[:2], want) {
		t.Errorf("reasons %q, want %q", r.Summary.Reasons, want)
	}
	if n, _ := r.Findings(); n != 1 {
		t.Errorf("%d findings, want 1: two cells with one property in one scenario", n)
	}
}

// A property that is told under others in each cell has its smallest case all the same: also over shards, and not
// any more where a violation of it is told by itself.
func TestWhatIsBrokenBesideHasItsCase(t *testing.T) {
	h := samples.LostAnswer()
	one := samples.Duplicate(h)
	other := one
	other.Property = "lost-compensation"
	shard := func(i int, cells map[string][]checkers.Verdict) *results.Run {
		m := samples.Meta()
		m.Shard = &results.Shard{I: i, N: 2}
		c := results.New(m)
		for id, verdicts := range cells {
			c.Add(results.CellInfo{ID: id}, h, verdicts)
		}
		return c.Finish()
	}
	both, alone := []checkers.Verdict{one, other}, []checkers.Verdict{other}
	hidden := shard(1, map[string][]checkers.Verdict{"c3": both, "c2": both, "c9": {one}})
	if len(hidden.Beside) != 1 {
		t.Fatalf("%d cases, want 1", len(hidden.Beside))
	}
	f := hidden.Beside[0]
	if f.Property != "lost-compensation" || f.Under != "duplicate-effect" || f.Cell != "c2" || len(f.Story.Lines) == 0 || f.Replay.Property != f.Property || f.File == "" || hidden.Others(f) != 1 {
		t.Errorf("got %s under %s, cell %s, %d lines, replay %s, %d others", f.Property, f.Under, f.Cell, len(f.Story.Lines), f.File, hidden.Others(f))
	}
	dir := t.TempDir()
	store(t, hidden, dir)
	if r, err := results.LoadRun(dir); err != nil || r.Beside[0].Replay == nil {
		t.Errorf("stored: %v", err)
	}
	for _, c := range []struct {
		other []checkers.Verdict
		want  int
	}{{both, 1}, {alone, 0}} {
		m, err := results.Merge([]*results.Run{hidden, shard(2, map[string][]checkers.Verdict{"d1": c.other})})
		if err != nil || len(m.Beside) != c.want {
			t.Errorf("joined: %d cases, want %d, %v", len(m.Beside), c.want, err)
		}
	}
}

func TestStoriesAreCappedCountsAreNot(t *testing.T) {
	c := results.New(samples.Meta())
	h := samples.LostAnswer()
	v := samples.Duplicate(h)
	const n = 50
	for i := range n {
		c.Add(results.CellInfo{ID: "c" + strings.Repeat("1", i+1)}, h, []checkers.Verdict{v})
	}
	r := c.Finish()
	if got := r.Results[0].Cells.Violation; got != n {
		t.Errorf("counted %d violations, want %d", got, n)
	}
	if len(r.Failures) != 20 || r.Failures[0].Cell != "c1" {
		t.Errorf("kept %d stories, the first of %s; want 20, of c1", len(r.Failures), r.Failures[0].Cell)
	}
}

func TestSmallestPlanFirst(t *testing.T) {
	c := results.New(samples.Meta())
	big, small := samples.LostAnswer(), samples.LostAnswer()
	extra := big.Header.Faults[0]
	for range 3 {
		big.Header.Faults = append(big.Header.Faults, extra)
	}
	c.Add(results.CellInfo{ID: "c1"}, big, []checkers.Verdict{samples.Duplicate(big)})
	c.Add(results.CellInfo{ID: "c2"}, small, []checkers.Verdict{samples.Duplicate(small)})
	if r := c.Finish(); r.Failures[0].Cell != "c2" || r.Failures[0].Faults != 1 {
		t.Errorf("the first failure is of %s with %d faults", r.Failures[0].Cell, r.Failures[0].Faults)
	}
}

// TestMissesOfProbesAreNoPlannedFaults: the counts of a green run never contradict
// the rule that every planned fault fired.
func TestMissesOfProbesAreNoPlannedFaults(t *testing.T) {
	c := results.New(samples.Meta())
	h := samples.Unfired(samples.LostAnswer())
	c.Add(results.CellInfo{ID: "c1"}, samples.LostAnswer(), nil)
	c.Add(results.CellInfo{ID: "c2", Probe: true}, h, nil)
	c.Add(results.CellInfo{ID: "c3", Probe: true}, samples.LostAnswer(), nil)
	n := c.Totals()
	if n.FaultsPlanned != 1 || n.FaultsFired != 1 || n.Probes != 2 || n.Missed != 1 {
		t.Errorf("got %+v, want 1 of 1 fault fired, and 1 of 2 probes missed", n)
	}
}
