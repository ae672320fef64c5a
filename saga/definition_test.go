package saga_test

import (
	"slices"
	"testing"

	"github.com/sagacheck/sagacheck/saga"
)

// A diamond with a step beside it: a, then b and c, then d; e hangs on nothing.
func TestAncestors(t *testing.T) {
	d := saga.Definition{Steps: []saga.Step{
		{Name: "a"},
		{Name: "b"},
		{Name: "c", After: []string{"a"}},
		{Name: "d", After: []string{"c", "b"}},
		{Name: "e", After: []string{}},
	}}
	for step, want := range map[string][]string{
		"a": nil, "b": {"a"}, "c": {"a"}, "d": {"a", "b", "c"}, "e": nil,
	} {
		if got := d.Ancestors(step); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", step, got, want)
		}
	}
}

func TestInstances(t *testing.T) {
	for _, c := range []struct {
		step string
		n    int
		name string
	}{{"charge", 1, "charge"}, {"charge", 2, "charge(2)"}, {"a-1", 12, "a-1(12)"}} {
		if name := saga.Instance(c.step, c.n); name != c.name {
			t.Errorf("%s, %d: %s", c.step, c.n, name)
		}
		if step, n := saga.CutInstance(c.name); step != c.step || n != c.n {
			t.Errorf("%s: %s, %d", c.name, step, n)
		}
	}
}
