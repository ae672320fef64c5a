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
