package simulation_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/planning"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/scenarios"
	"github.com/sagacheck/sagacheck/simulation"
)

var searchSeeds = flag.Int("search-seeds", 0, "how many searches for each planted defect, by each way, the page of searches is made of; 0: it is not made")

// The most plans of a search: of enumerated ones, and of those that are drawn.
const (
	mostExplored = 300
	mostDrawn    = 100
)

// way looks for a defect: it tells at which plan it was found; 0: at none.
type way struct {
	name string
	most int
	// enumerates: the plans are always the same ones. A fifth of the searches is enough, for the waits that are drawn.
	enumerates bool
	look       func(t *testing.T, d planted, seed uint64) int
}

func ways() []way {
	return []way{
		{"explore", mostExplored, true, byExploring},
		{"run", mostDrawn, true, byRunning},
		{"drawn", mostDrawn, false, drawnBy(planning.Draw)},
		{"chance", mostDrawn, false, drawnBy(planning.Chance)},
	}
}

// ability is what plans for a defect may ask of the executor: to be killed only where that is what
// the defect is about, as in campaign's measurements.
func (d planted) ability() planning.Ability {
	return planning.Ability{Operator: true, Process: strings.Contains(d.needs, "crash")}
}

// drawnBy draws a scenario and a plan for it, time after time.
func drawnBy(draw func(defs []saga.Definition, a planning.Ability, seed uint64) faults.Plan) func(*testing.T, planted, uint64) int {
	return func(t *testing.T, d planted, seed uint64) int {
		t.Helper()
		dice, list := rand.New(rand.NewPCG(seed, 7)), scenarios.All()
		for n := 1; n <= mostDrawn; {
			s := list[dice.IntN(len(list))]
			drawn := dice.Uint64() >> 1
			defs, _ := s.Build(idsOf(s), noAddress)
			plan := draw(defs, d.ability(), drawn)
			if simulation.Impossible(plan, able) != "" {
				continue
			}
			if v, _ := d.verdict(t, trial{s, plan, d.profile, d.anomaly}, drawn); v.Outcome == checkers.Violation {
				return n
			}
			n++
		}
		return 0
	}
}

// byExploring enumerates plans as sagacheck explore does.
func byExploring(t *testing.T, d planted, seed uint64) int {
	t.Helper()
	byName := map[string]*scenarios.Scenario{}
	for _, s := range scenarios.All() {
		byName[s.Name] = s
	}
	x := planning.NewExplorer(d.spaces(scenarios.All()), 2, false)
	n := 0
	for probes := x.Next(); len(probes) > 0; probes = x.Next() {
		for _, p := range probes {
			if simulation.Impossible(p.Plan, able) != "" {
				continue
			}
			v, h := d.verdict(t, trial{byName[p.Space], p.Plan, d.profile, d.anomaly}, seed)
			x.Learn(p, planning.NewTrace(h))
			switch n++; {
			case v.Outcome == checkers.Violation:
				return n
			case n == mostExplored:
				return 0
			}
		}
	}
	return 0
}

// byRunning tries the curated plans, as sagacheck run does before it draws any.
func byRunning(t *testing.T, d planted, seed uint64) int {
	t.Helper()
	list := scenarios.All()
	n := 0
	for _, o := range inOrder(d.ability().Process) {
		if simulation.Impossible(o.Plan, able) != "" {
			continue
		}
		v, _ := d.verdict(t, trial{list[o.Space], o.Plan, d.profile, d.anomaly}, seed)
		switch n++; {
		case v.Outcome == checkers.Violation:
			return n
		case n == mostDrawn:
			return 0
		}
	}
	return 0
}

// inOrder are the curated plans of all scenarios, for executors that may be killed and others.
func inOrder(process bool) []planning.Ordered { return ordered[process]() }

var ordered = map[bool]func() []planning.Ordered{true: sync.OnceValue(func() []planning.Ordered { return orderFor("crash") }), false: sync.OnceValue(func() []planning.Ordered { return orderFor("") })}

func orderFor(needs string) []planning.Ordered {
	return planning.InOrder(planted{needs: needs}.spaces(scenarios.All()))
}

// spaces are scenarios with the plans that are made for them.
func (d planted) spaces(list []*scenarios.Scenario) (all []planning.Space) {
	for _, s := range list {
		defs, _ := s.Build(idsOf(s), noAddress)
		all = append(all, planning.Space{Name: s.Name, Definitions: defs, Ability: d.ability(), Plans: planning.Curated(defs, d.ability())})
	}
	return all
}

// found is what the searches for a defect came to, by each way: the plans they took, in order; the most
// plans and one more where nothing was found.
type found struct {
	planted
	took [][]int
}

// median of the plans that a way took.
func (f found) median(way int) float64 {
	took := f.took[way]
	return float64(took[(len(took)-1)/2]+took[len(took)/2]) / 2
}

// missed tells that a way found it in no more than half of its searches.
func (f found) missed(way int) bool { return 2*f.in(way) <= len(f.took[way]) }

// in how many searches of a way it was found.
func (f found) in(way int) (n int) {
	for _, took := range f.took[way] {
		if took <= ways()[way].most {
			n++
		}
	}
	return n
}

// searched looks for a defect so many times by each way.
func searched(t *testing.T, d planted, seeds int) found {
	t.Helper()
	f := found{planted: d}
	for _, w := range ways() {
		var took []int
		n := seeds
		if w.enumerates {
			n = max(seeds/5, 1)
		}
		for seed := range uint64(n) {
			n := w.look(t, d, seed+1)
			if n == 0 {
				n = w.most + 1
			}
			took = append(took, n)
		}
		slices.Sort(took)
		f.took = append(f.took, took)
	}
	return f
}

const searchPage = "../docs/search.md"

// onSearchPage are the defects that the page has, in its order.
func onSearchPage(t *testing.T) (names []string) {
	t.Helper()
	b, err := os.ReadFile(searchPage)
	if err != nil {
		t.Fatal(err)
	}
	_, rows, _ := strings.Cut(string(b), strings.Repeat("| --- ", 2+len(ways()))+"|\n")
	for row := range strings.Lines(rows) {
		names = append(names, strings.Split(row, " ")[1])
	}
	return names
}

// How soon the planted defects that can be seen in virtual time are found (make searches). Without -search-seeds a
// few are looked for.
func TestSearches(t *testing.T) {
	some := map[string]bool{"never-compensate": true, "retry-twice": true, "no-recovery": true, "double-waits": true}
	all := make([]*found, len(allPlanted()))
	t.Run("defects", func(t *testing.T) {
		for i, d := range allPlanted() {
			if *searchSeeds == 0 && !some[d.name] {
				continue
			}
			t.Run(d.name, func(t *testing.T) {
				t.Parallel()
				if yes, _ := d.byKnown(t); !yes {
					return
				}
				f := searched(t, d, max(*searchSeeds, 1))
				all[i] = &f
				t.Logf("%s: %v", d.name, f.took)
				if some[d.name] && f.in(0) < len(f.took[0]) {
					t.Errorf("not found by exploring: %v", f.took[0])
				}
			})
		}
	})
	if *searchSeeds == 0 {
		return
	}
	if err := os.WriteFile(searchPage, []byte(searches(all, *searchSeeds)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// searches is the page.
func searches(all []*found, seeds int) string {
	all = slices.DeleteFunc(all, func(f *found) bool { return f == nil })
	var rows, sums, lost []string
	for _, f := range all {
		row := fmt.Sprintf("| %s | %s |", f.name, f.anomaly)
		for i := range ways() {
			row += fmt.Sprintf(" %s |", f.cell(i))
		}
		rows = append(rows, row)
	}
	for i, w := range ways() {
		sums = append(sums, summed(all, i, w))
		if w.enumerates {
			lost = append(lost, fmt.Sprintf("- by %s: %s", w.name, strings.Join(notFound(all, i), ", ")))
		}
	}
	return fmt.Sprintf(searchHead, seeds, mostExplored, mostDrawn, len(all), strings.Join(sums, "\n"), mostDrawn, strings.Join(lost, "\n"), strings.Join(rows, "\n"))
}

// cell is the median of a way, and in how many searches it was found if that is not all.
func (f found) cell(way int) string {
	text := fmt.Sprint(f.median(way))
	if f.missed(way) {
		text = "-"
	}
	if n, of := f.in(way), len(f.took[way]); n < of {
		text += fmt.Sprintf(" (%d of %d)", n, of)
	}
	return text
}

// notFound are those that a way missed.
func notFound(all []*found, i int) (names []string) {
	for _, f := range all {
		if f.missed(i) {
			names = append(names, f.name)
		}
	}
	return names
}

// summed is the line of a way. What it missed, and what took more plans than mostDrawn, counts as one more than those in the sum.
func summed(all []*found, i int, w way) string {
	var medians []float64
	sum, within := 0.0, 0
	for _, f := range all {
		m := f.median(i)
		if f.missed(i) {
			m = float64(w.most + 1)
		} else {
			within++
		}
		medians, sum = append(medians, m), sum+min(m, mostDrawn+1)
	}
	slices.Sort(medians)
	return fmt.Sprintf("| %s | %d | %d | %.4g | %.0f |", w.name, w.most, within, medians[len(medians)/2], sum)
}

const searchHead = `# How soon planted defects are found

<!-- generated by simulation's TestSearches (make searches); do not edit -->

Each planted defect ([defects](defects.md)) that can be seen [in virtual time](virtual-time.md) was looked for in the
reference executor, %d times by each way that draws and a fifth of that by those that enumerate, over all
scenarios, until its own checker reported it. Time is virtual, so that it does not matter how busy a machine is.
Plans that need more than a process which can be killed, and an operator who asks for a rollback, are left out; those
that kill it are there only for defects that show after a kill.

- **explore** enumerates, as ` + "`sagacheck explore`" + ` does: at most %d plans.
- **run** takes the curated plans in the order of ` + "`sagacheck run`" + `: at most %d, and so in what follows.
- **drawn** draws a scenario and a plan for it, as ` + "`sagacheck run`" + ` does after that.
- **chance** draws the same scenarios, and windows of outage, latency and errors, and kills, at any time
  ([what it is compared with](mutants.md#how-it-is-measured)).

Of %d defects, by the median of their searches:

| way | plans at most | found | median | sum |
| --- | --- | --- | --- | --- |
%s

In the sum, what was not found, or took more than %d plans, counts as one plan more than those, so that the ways can be compared. Found in no more than half of the searches:

%s

## All of them

The median of the plans until it was found; -: it was found in no more than half of the searches; in brackets in how many
it was, if not in all.

| defect | own checker | explore | run | drawn | chance |
| --- | --- | --- | --- | --- | --- |
%s
`
