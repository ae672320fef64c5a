package results

import "testing"

func TestNaturalOrder(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want int
	}{{"c2", "c10", -1}, {"c10", "c2", 1}, {"c2", "c2", 0}, {"c2", "c2-1", -1}, {"a9", "b1", -1}, {"", "a", -1}, {"c02", "c2", -1}} {
		if got := compareNatural(tc.a, tc.b); got != tc.want {
			t.Errorf("compareNatural(%q, %q) = %d, want %d", tc.a, tc.b, got, tc.want)
		}
	}
}
