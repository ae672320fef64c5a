package results

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// maxStories is how many failures are kept for each property and scenario.
const maxStories = 20

// addFindings keeps what was violated as failures: one for each cause, under its most
// telling property, with the other ones that it broke beside it.
func (c *Collector) addFindings(cell Cell, h *history.History, verdicts []checkers.Verdict) {
	also := map[string][]string{}
	var order []string
	for _, f := range checkers.Group(verdicts) {
		first := f.Properties[0]
		if _, known := also[first]; !known {
			order = append(order, first)
		}
		also[first] = append(also[first], f.Properties[1:]...)
	}
	beside := map[string]string{} // what each is told under
	for _, name := range order {
		others := slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(also[name]))), func(o string) bool {
			return slices.Contains(order, o)
		})
		for _, o := range others {
			beside[o] = cmp.Or(beside[o], name)
		}
		c.keepFailure(cell, h, verdictOn(verdicts, name), others)
		c.note(cell, name, others)
		r := c.result(name, cell.Scenario)
		r.Together = joinTogether(r.Together, Together{Also: others, Cells: 1})
	}
	for name, under := range beside {
		c.result(name, cell.Scenario).Cells.Beside++
		c.keepBeside(cell, h, verdictOn(verdicts, name), under)
	}
}

// verdictOn is that on a property that has one.
func verdictOn(verdicts []checkers.Verdict, property string) checkers.Verdict {
	return verdicts[slices.IndexFunc(verdicts, func(v checkers.Verdict) bool { return v.Property == property })]
}

// keepFailure keeps a failure if it is among the smallest of its property.
func (c *Collector) keepFailure(cell Cell, h *history.History, v checkers.Verdict, also []string) {
	k := resultKey{v.Property, cell.Scenario}
	kept := c.failures[k]
	f := bareFailure(cell, v)
	f.Also = also
	if n := len(kept); n >= maxStories && CompareFailures(f, kept[n-1]) >= 0 {
		c.found = append(c.found, f)
		return
	}
	f.tell(h, v)
	f.Replay.System, f.Replay.Tool = c.run.System, c.run.Tool
	c.found = append(c.found, f)
	i, _ := slices.BinarySearchFunc(kept, f, CompareFailures)
	kept = slices.Insert(kept, i, f)
	c.failures[k] = kept[:min(len(kept), maxStories)]
}

// CompareFailures puts violations before what is undecided, then what came back in each replay, then the smallest
// plan, then the smallest witness. A smaller plan that comes back only now and then, as a window in time may, tells less.
func CompareFailures(a, b Failure) int {
	return cmp.Or(
		-cmp.Compare(a.Verdict, b.Verdict), // "violation" is after "inconclusive"
		-cmp.Compare(a.steady(), b.steady()),
		cmp.Compare(a.Faults, b.Faults),
		-cmp.Compare(a.ShrunkFrom, b.ShrunkFrom), // what was shrunk was replayed too
		cmp.Compare(len(a.Events), len(b.Events)),
		compareNatural(a.Cell, b.Cell),
	)
}

// bareFailure is one without its story, and without its replay.
func bareFailure(cell Cell, v checkers.Verdict) Failure {
	f := Failure{
		Property: v.Property, Scenario: cell.Scenario, Cell: cell.ID, Verdict: v.Outcome, Broken: v.Reason,
		PlanID: cell.PlanID, Plan: cell.Plan, Faults: cell.FaultsPlanned, PlanFaults: cell.PlanFaults, History: cell.History, Events: []int{},
	}
	if len(v.Witnesses) > 0 {
		w := v.Witnesses[0]
		f.Broken, f.Clause, f.Saga, f.Step, f.More = w.Broken, w.Clause, w.Saga, w.Step, len(v.Witnesses)-1
		f.Events = append(f.Events, w.Events...)
	}
	return f
}

// tell adds what a bare failure lacks.
func (f *Failure) tell(h *history.History, v checkers.Verdict) {
	var w checkers.Witness
	if len(v.Witnesses) > 0 {
		w = v.Witnesses[0]
	}
	f.Story = Tell(h, w)
	f.Ledger = checkers.Ledger(h, history.NewIndex(h))
	f.Replay = NewReplay(h.Header)
	f.Replay.Property, f.Replay.Clause, f.Replay.Broken = f.Property, f.Clause, f.Broken
}

// StepName is the step of a call: charge, of charge.undo and of charge.callback.
func StepName(ref string) string {
	step, _ := saga.CutCallback(saga.CutRef(ref).Step)
	return step
}

// capFailures keeps the smallest ones of each property and scenario of a sorted
// list.
func capFailures(list []Failure) []Failure {
	kept := map[resultKey]int{}
	return slices.DeleteFunc(list, func(f Failure) bool {
		k := resultKey{f.Property, f.Scenario}
		kept[k]++
		return kept[k] > maxStories
	})
}

// ReplayName is what the replay file of a failure is called, as long as no other has that name.
func (f Failure) ReplayName() string {
	return fileName(f.Property+"-"+f.Scenario+"-"+f.Cell) + ".yaml"
}

// nameFiles names the replay files of sorted failures.
func nameFiles(list []Failure) {
	seen := map[string]int{}
	for i := range list {
		f := &list[i]
		name := strings.TrimSuffix(f.ReplayName(), ".yaml")
		if seen[name]++; seen[name] > 1 {
			name = fmt.Sprintf("%s-%d", name, seen[name])
		}
		f.File = FailuresDir + "/" + name + ".yaml"
	}
}

// breaks tells whether a property was broken by the cause of a failure.
func (f Failure) breaks(property string) bool {
	return f.Property == property || slices.Contains(f.Also, property)
}

// steady is 1 for what came back in each replay; 0: it didn't, or nobody knows.
func (f Failure) steady() int {
	if r := f.Reproduced; r != nil && r.Hits == r.Tries {
		return 1
	}
	return 0
}

// before puts a failure that was replayed first, then the smallest.
func (f Failure) before(o Failure) bool {
	if a, b := f.Reproduced != nil, o.Reproduced != nil; a != b {
		return a
	}
	return CompareFailures(f, o) < 0
}

// Others is how many more cells have the same property broken (or undecided), and
// told under it.
func (r *Run) Others(f Failure) int {
	res, _ := r.Result(f.Property, f.Scenario)
	switch {
	case f.Verdict == checkers.Inconclusive:
		return max(0, res.Cells.Inconclusive-1)
	case f.Under != "":
		return max(0, res.Cells.Beside-1)
	}
	return max(0, res.Cells.Violation-res.Cells.Beside-1)
}

// Like is how many cells had the same properties broken by one cause, told under the first of them, or the
// same one left open; 0: only replays had.
func (r *Run) Like(f Failure) int {
	if f.Verdict == checkers.Inconclusive || f.Under != "" {
		return r.Others(f) + 1
	}
	res, _ := r.Result(f.Property, f.Scenario)
	for _, t := range res.Together {
		if slices.Equal(t.Also, f.Also) {
			return t.Cells
		}
	}
	return 0
}

// Findings counts what was violated, by key: those that the gate knows, new or known, or else those of the cells; and of how
// many properties these are, with those that were broken only beside others.
func (r *Run) Findings() (n, properties int) {
	var found []Finding
	if r.Gate == nil {
		found = r.Shown()
	} else {
		for _, j := range r.Gate.Findings {
			if j.Standing == Accepted || j.Failing() {
				found = append(found, j.Finding)
			}
		}
	}
	of := map[string]bool{}
	for _, f := range found {
		of[f.Property] = true
	}
	for _, f := range r.BesideNews() {
		of[f.Property] = true
	}
	return len(found), len(of)
}
