package checkers

import (
	"slices"
	"testing"
)

// TestEachPropertyHasItsHarm: each of the catalogue once, and no other.
func TestEachPropertyHasItsHarm(t *testing.T) {
	var want []string
	for _, c := range All() {
		want = append(want, c.Doc().Name)
	}
	if got := slices.Sorted(slices.Values(harms)); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Errorf("got %q, expected those of the catalogue", got)
	}
}

// TestHarm: money first, then sagas that don't end, then the protocol, then practice.
func TestHarm(t *testing.T) {
	order := []string{"double-credit", "lost-compensation", "stuck-saga", "key-misuse", "missing-log", "not of the catalogue"}
	if !slices.IsSortedFunc(order, func(a, b string) int { return Harm(a) - Harm(b) }) {
		t.Errorf("not in the order of harm: %q", order)
	}
}
