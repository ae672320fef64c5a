package results_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/results"
)

// What does the most harm is told first, in each list of a report, whichever was found first and however it is called:
// neither the catalogue nor the alphabet puts what these cells broke in this order.
func TestTheWorstComesFirst(t *testing.T) {
	want := []string{"double-credit", "duplicate-effect", "stuck-saga", "key-misuse", "backoff-violation", "missing-log"}
	m := samples.Meta()
	m.Properties = nil
	for _, c := range checkers.All() {
		m.Properties = append(m.Properties, c.Doc())
	}
	c := results.New(m)
	for _, name := range slices.Sorted(slices.Values(want)) {
		v := samples.Pass(name, 1)
		v.Outcome = checkers.Violation
		v.Witnesses = []checkers.Witness{{Broken: "broke " + name, Saga: "s1", Step: name, Events: []int{1}}}
		c.Add(results.CellInfo{ID: name, Plan: "no fault"}, samples.Quiet("order", name), []checkers.Verdict{v})
	}
	r := c.Finish()
	lists := map[string][]string{}
	note := func(list, name string) { lists[list] = append(lists[list], name) }
	for _, p := range r.Properties {
		if slices.Contains(want, p.Name) {
			note("properties", p.Name)
		}
	}
	for _, x := range r.Results {
		note("results", x.Property)
	}
	for _, f := range r.Failures {
		note("failures", f.Property)
	}
	for _, f := range r.Found {
		note("found", f.Property)
	}
	for _, f := range r.Shown() {
		note("shown", f.Property)
	}
	for _, why := range r.Summary.Reasons[:len(want)] {
		name, _, _ := strings.Cut(why, " ")
		note("reasons", name)
	}
	for list, got := range lists {
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", list, got, want)
		}
	}
}
