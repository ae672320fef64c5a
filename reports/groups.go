package reports

import (
	"slices"

	"github.com/sagacheck/sagacheck/results"
)

// maxTold is how many failures of a group are told whole in Markdown and HTML.
const maxTold = 3

// group is the failures of one property in one scenario, the smallest first.
type group struct {
	Property, Scenario string
	Cells              int // with the same verdict, exactly
	Told, Listed       []results.Failure
}

func groups(r *results.Run, list []results.Failure) []group {
	var out []group
	for i, f := range list {
		if i == 0 || list[i-1].Property != f.Property || list[i-1].Scenario != f.Scenario {
			out = append(out, group{Property: f.Property, Scenario: f.Scenario, Cells: r.Others(f) + 1})
		}
		g := &out[len(out)-1]
		if len(g.Told) < maxTold {
			g.Told = append(g.Told, f)
		} else {
			g.Listed = append(g.Listed, f)
		}
	}
	return out
}

// first says what the first failure of a group is among them.
func (g group) first() string {
	smaller := func(f results.Failure) bool { return f.Faults < g.Told[0].Faults }
	if slices.ContainsFunc(g.Told, smaller) || slices.ContainsFunc(g.Listed, smaller) {
		return "The smallest that came back in each replay,"
	}
	return "The smallest"
}
