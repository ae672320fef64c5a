package saga_test

import (
	"slices"
	"testing"

	"github.com/sagacheck/sagacheck/saga"
)

// TestBypassOfTheFirst: what comes after the first step alone comes after nothing, and not after
// whatever stands before it in the list.
func TestBypassOfTheFirst(t *testing.T) {
	steps := []saga.Step{
		{Name: "pay-a", After: []string{}},
		{Name: "pay-b", After: []string{"pay-a"}},
		{Name: "ship", After: []string{"pay-b"}},
	}
	steps = saga.Bypass(saga.Bypass(steps, "pay-a"), "pay-b")
	for _, s := range steps[1:] {
		if s.After == nil || slices.Contains(s.After, "pay-a") || slices.Contains(s.After, "pay-b") {
			t.Errorf("%s comes after %#v, expected after nothing (an empty list: none would be the step before it)", s.Name, s.After)
		}
	}
}
