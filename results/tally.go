package results

import (
	"slices"

	"github.com/sagacheck/sagacheck/checkers"
)

// add counts one cell's verdict.
func (r *Result) add(cell string, v checkers.Verdict) {
	outcome := v.Outcome
	switch {
	case outcome == checkers.Violation && r.Advice:
		r.Findings++
		outcome = checkers.Pass // advice is no violation
	case outcome == checkers.Pass && v.AtRisk == 0:
		outcome = checkers.Vacuous
	}
	switch outcome {
	case checkers.Pass:
		r.Cells.Pass++
	case checkers.Violation:
		r.Cells.Violation++
	case checkers.Inconclusive:
		r.Cells.Inconclusive++
	case checkers.NotApplicable:
		r.Cells.NotApplicable++
	default:
		r.Cells.Vacuous++
	}
	counts := slices.Clone(v.Clauses)
	if outcome == checkers.Pass || outcome == checkers.Violation {
		r.AtRisk += v.AtRisk
		r.CellsAtRisk++
	} else {
		for i := range counts {
			counts[i].Held = 0 // what is not green shows nothing that held
		}
	}
	r.Clauses = orEmpty(checkers.JoinCounts(r.Clauses, counts))
	r.explain(cell, outcome, v)
}

// rank orders outcomes as a result of many cells takes them: the first that
// happened in any cell.
func rank(o checkers.Outcome) int {
	return slices.Index([]checkers.Outcome{
		checkers.Violation, checkers.Inconclusive, checkers.Pass, checkers.Vacuous, checkers.NotApplicable, "",
	}, o)
}

// explain keeps the reason of the first cell, by its name, that had the outcome
// that the result will have.
func (r *Result) explain(cell string, outcome checkers.Outcome, v checkers.Verdict) {
	a, b := rank(outcome), rank(r.Verdict)
	if a > b || a == b && compareNatural(cell, r.Example) >= 0 {
		return
	}
	r.Verdict, r.Reason, r.Example = outcome, v.Reason, cell
	switch {
	case outcome == checkers.Pass:
		r.Reason, r.Example = "", ""
	case outcome == checkers.Violation && len(v.Witnesses) > 0:
		r.Reason = v.Witnesses[0].Broken
	}
}

// decide takes the verdict from the counts.
func (r *Result) decide() {
	r.Verdict = r.Cells.outcome()
}

func (r *Result) join(o Result) {
	if rank(o.Verdict) < rank(r.Verdict) {
		r.Reason, r.Example = o.Reason, o.Example
	}
	r.Cells.join(o.Cells)
	for _, t := range o.Together {
		r.Together = joinTogether(r.Together, t)
	}
	r.AtRisk += o.AtRisk
	r.CellsAtRisk += o.CellsAtRisk
	r.Findings += o.Findings
	r.Clauses = checkers.JoinCounts(r.Clauses, o.Clauses)
	r.decide()
}

// joinTogether adds a count to those of other sets of properties, which are sorted.
func joinTogether(all []Together, t Together) []Together {
	i, found := slices.BinarySearchFunc(all, t, func(a, b Together) int { return slices.Compare(a.Also, b.Also) })
	all = slices.Clone(all) // that of a shard stays as it is
	if !found {
		return slices.Insert(all, i, t)
	}
	all[i].Cells += t.Cells
	return all
}

// outcome of many cells: a violation in one is a violation, then inconclusive;
// one real pass makes a pass, whatever was vacuous besides.
func (c Counts) outcome() checkers.Outcome {
	switch {
	case c.Violation > 0:
		return checkers.Violation
	case c.Inconclusive > 0:
		return checkers.Inconclusive
	case c.Pass > 0:
		return checkers.Pass
	case c.Vacuous > 0 || c.NotApplicable == 0:
		return checkers.Vacuous
	}
	return checkers.NotApplicable
}

func (c *Counts) join(o Counts) {
	c.Pass += o.Pass
	c.Violation += o.Violation
	c.Beside += o.Beside
	c.Inconclusive += o.Inconclusive
	c.Vacuous += o.Vacuous
	c.NotApplicable += o.NotApplicable
}
