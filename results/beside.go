package results

import (
	"cmp"
	"slices"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
)

// What breaks together in a cell is told under one property, and whether it has one cause is a guess: what each
// cell breaks must not leave without a story what few cells break. So each property that is told nowhere
// else has its smallest failure in Run.Beside.

// keepBeside keeps the smallest failure of a property that is told under another one.
func (c *Collector) keepBeside(cell Cell, h *history.History, v checkers.Verdict, under string) {
	f := bareFailure(cell, v)
	f.Under = under
	if old, there := c.beside[v.Property]; there && CompareFailures(f, old) >= 0 {
		return
	}
	f.tell(h, v)
	f.Replay.System, f.Replay.Tool = c.run.System, c.run.Tool
	c.beside[v.Property] = f
}

// untoldElsewhere leaves the smallest failure of each property of which no violation is told by itself. The
// list is sorted.
func (r *Run) untoldElsewhere(list []Failure) (out []Failure) {
	told := func(list []Failure, property string) bool {
		return slices.ContainsFunc(list, func(f Failure) bool { return f.Property == property && f.Verdict == checkers.Violation })
	}
	for _, f := range list {
		if !told(r.Failures, f.Property) && !told(out, f.Property) {
			out = append(out, f)
		}
	}
	return out
}

// BesideNews are those of Beside that are not all known.
func (r *Run) BesideNews() (out []Failure) {
	for _, f := range r.Beside {
		if !r.accepted(f.Property) {
			out = append(out, f)
		}
	}
	return out
}

// Told are the failures and those of Beside, by the harm that they do.
func (r *Run) Told() []Failure {
	all := slices.Concat(r.Failures, r.Beside)
	slices.SortStableFunc(all, func(a, b Failure) int { return cmp.Compare(checkers.Harm(a.Property), checkers.Harm(b.Property)) })
	return all
}
