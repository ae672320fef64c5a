package live

import (
	"cmp"
	"maps"
	"slices"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/results"
)

// ended is a cell that was judged, with all that it broke or left open.
type ended struct {
	results.Cell
	found []results.Failure // without their stories and replays
}

// bare are failures without what the history tells, and what only the smallest needs.
func bare(all []results.Failure) []results.Failure {
	all = slices.Clone(all)
	for i := range all {
		all[i].Story, all[i].Replay = results.Story{}, nil
	}
	return all
}

type findingKey struct{ property, scenario string }

// finding is a property that was broken, or left open, in a scenario.
type finding struct {
	broken, open int             // cells
	smallest     results.Failure // with its replay, which larger ones may lack
	in           ended
}

// find notes a failure of a cell that has just been judged.
func (v *View) find(in ended, f results.Failure) {
	k := findingKey{f.Property, f.Scenario}
	g := v.findings[k]
	first := g == nil
	if first {
		g = &finding{}
		v.findings[k] = g
	}
	if f.Verdict == checkers.Violation {
		g.broken++
	} else {
		g.open++
	}
	if !first && results.CompareFailures(f, g.smallest) >= 0 {
		return
	}
	if f.Replay != nil {
		replay := *f.Replay // the report writes into its own
		f.Replay = &replay
	}
	f.Story = results.Story{}
	g.smallest, g.in = f, in
}

// shownFinding is a finding as it is shown.
type shownFinding struct {
	results.Failure
	Mark  string // empty: it is advice
	Cells int    // with the same verdict
	Open  int    // others, that left it open
}

// shown are the findings: what was broken first, then what was left open, the most harmful first; advice apart.
func (v *View) shown() (findings, advice []shownFinding) {
	open := func(k findingKey) int {
		if v.findings[k].broken == 0 {
			return 1
		}
		return 0
	}
	keys := slices.SortedFunc(maps.Keys(v.findings), func(a, b findingKey) int {
		return cmp.Or(cmp.Compare(open(a), open(b)), cmp.Compare(checkers.Harm(a.property), checkers.Harm(b.property)), cmp.Compare(a.property, b.property), cmp.Compare(a.scenario, b.scenario))
	})
	for _, k := range keys {
		g := v.findings[k]
		s := shownFinding{Failure: g.smallest, Cells: g.broken, Open: g.open}
		if g.broken == 0 {
			s.Cells, s.Open = g.open, 0
		}
		if v.advice[k.property] {
			advice = append(advice, s)
		} else {
			s.Mark = string(s.Verdict)
			findings = append(findings, s)
		}
	}
	return findings, advice
}

// told parts what a cell was found to do into what is wrong and advice.
func (v *View) told(found []results.Failure) (wrong, advice []results.Failure) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, f := range found {
		if v.advice[f.Property] {
			advice = append(advice, f)
		} else {
			wrong = append(wrong, f)
		}
	}
	return wrong, advice
}

// smallest is the smallest failure of a property in a scenario.
func (v *View) smallest(property, scenario string) (f results.Failure, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if g := v.findings[findingKey{property, scenario}]; g != nil && g.smallest.Replay != nil {
		return g.smallest, true
	}
	return f, false
}

// judged is what came of a cell, if it is among the last or has the smallest failure of its kind.
func (v *View) judged(id string) (ended, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, e := range slices.Backward(v.finished) {
		if e.ID == id {
			return e, true
		}
	}
	for _, g := range v.findings {
		if g.in.ID == id {
			return g.in, true
		}
	}
	return ended{}, false
}
