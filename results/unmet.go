package results

import (
	"slices"

	"github.com/sagacheck/sagacheck/checkers"
)

// shown are the properties that every run of a workflow of the user's own has to show:
// without them it was no run of a saga. Of the others nobody can say in advance whether a
// workflow ever comes to where they count, since it is the user's and not ours: one
// that never gives a call up never undoes what it does not know of.
var shown = []string{
	"duplicate-effect", "lost-compensation", "partial-success", "step-order", "stuck-saga", "lost-saga", "false-status",
}

// unmet is why a clause is not applicable to a workflow.
const unmet = "no run of this workflow came to such a situation that could be judged"

// leaveUnmet makes clauses not applicable for which there was no opportunity in any run of
// a workflow that could be judged, though every point that it passed was struck: after a kill
// nobody knows what the workflow knew, and a workflow that goes on at once leaves no time to
// tell one thing from the other.
func (p *Property) leaveUnmet() {
	judged := 0
	for _, c := range p.Clauses {
		judged += c.Judged()
	}
	if judged == 0 && slices.Contains(shown, p.Name) {
		return
	}
	left := 0
	for i := range p.Clauses {
		c := &p.Clauses[i]
		if c.Open() {
			c.Lacks = unmet
		}
		if c.Lacks == "" {
			left++
		}
	}
	if left == 0 && p.Verdict == checkers.Vacuous {
		p.Verdict, p.Reason = checkers.NotApplicable, p.lacks()
	}
}

// lacks is why none of the clauses is applicable: what the first of them lacks, unless one
// was merely unmet.
func (p *Property) lacks() string {
	if len(p.Clauses) == 0 || slices.ContainsFunc(p.Clauses, func(c checkers.Count) bool { return c.Lacks == unmet }) {
		return unmet
	}
	return p.Clauses[0].Lacks
}
