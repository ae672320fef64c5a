package results

import (
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/checkers"
)

// Shown are the findings of the run by their keys, in their order, with the plans that its cells ran: how
// far one was shrunk depends on chance, and makes no other one of it. What a shrunk plan broke that
// the cells did not is a finding with that plan.
func (r *Run) Shown() []Finding {
	cells := r.ofCells()
	all := slices.Clone(cells)
	for _, f := range r.Failures {
		if f.Verdict != checkers.Violation || f.ShrunkFrom == "" {
			continue
		}
		whole := Finding{Key: r.KeyOf(f), Also: f.Also}
		whole.Plan = f.ranAs()
		if _, more := explain(cells, whole); len(more) > 0 {
			key := r.KeyOf(f)
			key.Property = more[0]
			all = append(all, Finding{Key: key, Also: more[1:]})
		}
	}
	return smallest(all)
}

// FailureOf is the smallest failure that tells of a finding of Shown, if one was kept: of its own plan, or of what that was
// shrunk to.
func (r *Run) FailureOf(f Finding) (best *Failure) {
	for i := range r.Failures {
		l := &r.Failures[i]
		if l.Verdict != checkers.Violation || l.Scenario != f.Scenario || !l.breaks(f.Property) || l.ranAs() != f.Plan && SortPlan(l.Plan) != f.Plan {
			continue
		}
		if best == nil || best.Property != f.Property && l.Property == f.Property {
			best = l
		}
	}
	return best
}

// FoundAs is the key of what the cell showed that a failure is of: the same before and after it was shrunk.
func (r *Run) FoundAs(f Failure) Key {
	k := r.KeyOf(f)
	k.Plan = f.ranAs()
	return k
}

// ranAs is the plan of the cell that showed a failure, sorted: its own, or the one that it was shrunk from.
func (f Failure) ranAs() string {
	if i := strings.LastIndex(f.ShrunkFrom, "; "); i >= 0 { // "; 3 steps" is behind it
		return SortPlan(f.ShrunkFrom[:i])
	}
	return SortPlan(f.Plan)
}

// ShrunkTo is the plan of a failure that was shrunk, sorted, if it is another one than it was; else empty.
func (f Failure) ShrunkTo() string {
	if plan := SortPlan(f.Plan); plan != f.ranAs() {
		return plan
	}
	return ""
}

// StandingOfShown is how a finding of Shown stands: by its own key, or failing, if anything fails that tells of its property
// with a part of its plan.
func (r *Run) StandingOfShown(f Finding) (Judged, bool) {
	best, there := r.standingOf(f)
	for _, j := range r.Standings(f.Property, f.Scenario) {
		if j.Key == f.Key {
			return j, true
		}
		if j.beside(f) && (!there || j.Failing() && !best.Failing()) {
			best, there = j, true
		}
	}
	return best, there
}
