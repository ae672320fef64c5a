package main

import (
	"flag"
	"fmt"
	"strconv"
	"testing"

	"github.com/sagacheck/sagacheck/internal/tinyorch"
	"github.com/sagacheck/sagacheck/reference/defects"
	"github.com/sagacheck/sagacheck/results"
)

var (
	soak         = flag.Int("soak", 120, "cells of TestSoak, over all controls")
	soakParallel = flag.Int("soak-parallel", 4, "cells at once; 0: as many as a run has")
)

// soakBatch is how many cells one run of the soak has, so that what it stores is
// removed again before it is much.
const soakBatch = 2000

// control is an orchestrator in which nothing may be found.
type control struct {
	name  string
	share int // of the cells, in parts of all shares
	args  []string
}

// Controls: with fenced participants no checker may find anything in the
// reference executor, in switches that change what it does without breaking a
// guarantee, or in an orchestrator that shares no code with it, whatever its legal
// habits. What is found
// is a false alarm, or a bug of the control: either has to be looked at.
func controls(t *testing.T) []control {
	all := []control{
		{"reference", 8, nil},
		{"drawn-sagas", 4, []string{"--scenario", "single-step", "--drawn-sagas", "20"}},
	}
	for _, h := range tinyorch.AllHabits() {
		all = append(all, control{h.Name, 1, []string{"--orchestrator", attachHabit(t, h)}})
	}
	for _, d := range defects.All() {
		if d.Equivalent {
			all = append(all, control{d.Name, 1, []string{"--defect", d.Name}})
		}
	}
	return all
}

// TestSoak prints, for every control, the cells and the upper bound of the rate
// of false alarms. make soak runs it long.
func TestSoak(t *testing.T) {
	t.Parallel()
	all := controls(t)
	shares := 0
	for _, c := range all {
		shares += c.share
	}
	var total results.Totals
	for _, c := range all {
		want := (*soak*c.share + shares - 1) / shares
		var n results.Totals
		for batch, ok := 0, true; n.Cells < want && ok; batch++ {
			ok = t.Run(fmt.Sprintf("%s-%d", c.name, batch+1), func(t *testing.T) {
				got := soakRun(t, c, uint64(batch+1), min(soakBatch, want-n.Cells))
				n.Cells += got.Cells
				n.Violated += got.Violated
				n.FaultsFired += got.FaultsFired
			})
		}
		t.Logf("%-28s %6d cells, %6d faults fired, %d violations, upper bound %.3g%%", c.name, n.Cells, n.FaultsFired, n.Violated, 100*wilsonUpper(n.Violated, n.Cells))
		total.Cells += n.Cells
		total.Violated += n.Violated
		total.FaultsFired += n.FaultsFired
	}
	t.Logf("%-28s %6d cells, %6d faults fired, %d violations, upper bound %.3g%% (Wilson, 95%%)", "all controls", total.Cells, total.FaultsFired, total.Violated, 100*wilsonUpper(total.Violated, total.Cells))
}

func soakRun(t *testing.T, c control, seed uint64, cells int) results.Totals {
	args := append([]string{"run", "--curated=false", "--seed", strconv.FormatUint(seed, 10), "--runs", strconv.Itoa(cells), "--parallel", strconv.Itoa(*soakParallel)}, c.args...)
	_, report, output := command(t, args...)
	n := report.Totals
	if n.Violated+n.Inconclusive+n.Errors > 0 {
		t.Errorf("%+v\n%s", n, output)
	}
	return n
}
