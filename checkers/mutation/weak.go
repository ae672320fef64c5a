package mutation

import (
	"fmt"
	"slices"

	"github.com/sagacheck/sagacheck/checkers"
)

// Sound is the share of its places at which an operator must be seen.
const Sound = 0.99

// Weak lists what is wrong with the checkers, as far as the histories show it: an
// operator that was not seen often enough, clauses that were at risk and that none of
// the operators of their property broke, and legal variations that turned a verdict.
func (m Matrix) Weak() []string {
	var why []string
	for _, r := range m.Rows {
		if r.Judged() > 0 && r.Rate() < Sound {
			why = append(why, fmt.Sprintf("%s saw operator %s at %d of %d places", r.Operator.Property, r.Operator.Name, r.Killed, r.Judged()))
		}
	}
	for _, clause := range m.untouched() {
		if m.AtRisk[clause] > 0 {
			why = append(why, "clause "+clause+" was broken by no operator")
		}
	}
	for _, turned := range m.Turned {
		why = append(why, "a legal variation turned a verdict: "+turned)
	}
	return why
}

// Unshown lists what the histories show nothing of: operators without a place that
// could be judged, and clauses that were at risk in none and that none broke.
func (m Matrix) Unshown() []string {
	var what []string
	for _, r := range m.Rows {
		if r.Judged() == 0 {
			what = append(what, fmt.Sprintf("operator %s had no place at which %s could be judged", r.Operator.Name, r.Operator.Property))
		}
	}
	for _, clause := range m.untouched() {
		if m.AtRisk[clause] == 0 {
			what = append(what, "clause "+clause+" was at risk in no history")
		}
	}
	return what
}

// untouched lists the clauses of the catalogue that no operator of their property broke.
func (m Matrix) untouched() []string {
	var names []string
	for _, c := range checkers.All() {
		for _, k := range c.Doc().Clauses {
			name := c.Doc().Name + "/" + k.Name
			if !slices.ContainsFunc(m.Rows, func(r Row) bool { return r.Operator.Property == c.Doc().Name && r.Broken[name] > 0 }) {
				names = append(names, name)
			}
		}
	}
	return names
}
