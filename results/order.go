package results

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/checkers"
)

// sort gives a run one order whatever the order in which its cells ended: properties, and what broke them, by the
// harm that it does.
func (r *Run) sort() {
	slices.SortStableFunc(r.Properties, func(a, b Property) int { return cmp.Compare(checkers.Harm(a.Name), checkers.Harm(b.Name)) })
	order := map[string]int{}
	for i, p := range r.Properties {
		order[p.Name] = i - len(r.Properties) // the unknown come last
	}
	slices.SortFunc(r.Results, func(a, b Result) int {
		return cmp.Or(cmp.Compare(order[a.Property], order[b.Property]), cmp.Compare(a.Property, b.Property), cmp.Compare(a.Scenario, b.Scenario))
	})
	for _, list := range [][]Failure{r.Failures, r.Beside, r.Advice} {
		slices.SortFunc(list, func(a, b Failure) int {
			return cmp.Or(cmp.Compare(order[a.Property], order[b.Property]), cmp.Compare(a.Property, b.Property),
				cmp.Compare(a.Scenario, b.Scenario), CompareFailures(a, b))
		})
	}
	r.Beside = r.untoldElsewhere(r.Beside)
	nameFiles(r.Failures)
	nameFiles(r.Beside) // no name is of both: their properties differ
	slices.SortFunc(r.Cells, func(a, b Cell) int {
		return cmp.Or(compareNatural(a.ID, b.ID), cmp.Compare(a.Scenario, b.Scenario), cmp.Compare(a.PlanID, b.PlanID))
	})
	r.Results, r.Failures, r.Cells, r.Properties = orEmpty(r.Results), orEmpty(r.Failures), orEmpty(r.Cells), orEmpty(r.Properties)
}

// orEmpty makes a list that JSON writes as [] and not as null.
func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// Scenarios are the names in the order of the report.
func (r *Run) Scenarios() []string {
	var out []string
	for _, res := range r.Results {
		out = append(out, res.Scenario)
	}
	for _, c := range r.Cells {
		out = append(out, c.Scenario)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Result is the verdict of a property in a scenario, if it was judged there.
func (r *Run) Result(property, scenario string) (Result, bool) {
	i := slices.IndexFunc(r.Results, func(x Result) bool { return x.Property == property && x.Scenario == scenario })
	if i < 0 {
		return Result{}, false
	}
	return r.Results[i], true
}

// compareNatural orders "c2" before "c10".
func compareNatural(a, b string) int {
	for a != "" && b != "" {
		x, y := leading(a), leading(b)
		if c := cmp.Or(compareChunk(x, y), cmp.Compare(x, y)); c != 0 {
			return c
		}
		a, b = a[len(x):], b[len(y):]
	}
	return cmp.Compare(len(a), len(b))
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// leading is the first run of digits, or of anything else.
func leading(s string) string {
	i := 1
	for i < len(s) && isDigit(s[i]) == isDigit(s[0]) {
		i++
	}
	return s[:i]
}

func compareChunk(x, y string) int {
	if !isDigit(x[0]) || !isDigit(y[0]) {
		return 0
	}
	x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
	return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y))
}
