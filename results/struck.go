package results

import (
	"github.com/sagacheck/sagacheck/checkers"
)

// struck are the cells of a run that came to their ends and in which all faults fired, by scenario and sorted plan.
type struck struct {
	run   *Run
	cells map[string]map[string][]Cell
}

func (r *Run) struck() struck {
	s := struck{r, map[string]map[string][]Cell{}}
	for _, c := range r.Cells {
		if c.Error != "" || c.Again || len(c.Unfired) > 0 {
			continue
		}
		if s.cells[c.Scenario] == nil {
			s.cells[c.Scenario] = map[string][]Cell{}
		}
		plan := SortPlan(c.Plan)
		s.cells[c.Scenario][plan] = append(s.cells[c.Scenario][plan], c)
	}
	return s
}

// unasked says why a run could not show that a finding's plan breaks these properties; empty: it could.
func (s struck) unasked(f Finding, properties []string) string {
	for _, p := range properties {
		if res, there := s.run.Result(p, f.Scenario); !there || !decided(res.Verdict) {
			return p + " was not judged in " + f.Scenario
		}
	}
	plans := s.cells[f.Scenario]
	if len(plans[f.Plan]) == 0 {
		for plan := range plans {
			if holds(plan, f.Plan) {
				return "its plan was not run without other faults"
			}
		}
		return "its plan was not run"
	}
	for _, p := range properties {
		if !s.judges(p, plans[f.Plan]) {
			return p + " was not judged where its plan was run"
		}
	}
	return ""
}

// judges tells whether a property was decided in all of these cells, as far as a report says: a cell that passed left
// nothing inconclusive, and in one that broke something the property is not among what is listed as inconclusive.
// Whether it was at risk there a report doesn't say.
func (s struck) judges(property string, cells []Cell) bool {
	res, _ := s.run.Result(property, cells[0].Scenario)
	open := map[string]bool{}
	for _, f := range s.run.Failures {
		if f.Verdict == checkers.Inconclusive && f.Property == property && f.Scenario == res.Scenario {
			open[f.Cell] = true
		}
	}
	all := len(open) >= res.Cells.Inconclusive // only the first ones are listed
	for _, c := range cells {
		if c.Verdict != checkers.Pass && (c.Verdict != checkers.Violation || !all || open[c.ID]) {
			return false
		}
	}
	return true
}

// decided tells whether an outcome says that something held or was broken.
func decided(o checkers.Outcome) bool { return o == checkers.Pass || o == checkers.Violation }
