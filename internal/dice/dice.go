// Package dice draws evenly with rapid, for plans that are drawn.
package dice

import "pgregory.net/rapid"

// Below draws 0 to n−1, all alike: rapid's own ranges prefer what is small, which
// is good for shrinking, and would send most faults to the first step.
func Below(t *rapid.T, n int, label string) int {
	v := 0
	for range 16 {
		v <<= 1
		if rapid.Bool().Draw(t, label) {
			v |= 1
		}
	}
	return v % n
}

// Pick draws one of a list, all alike.
func Pick[T any](t *rapid.T, list []T, label string) T { return list[Below(t, len(list), label)] }
