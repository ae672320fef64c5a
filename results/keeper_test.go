package results

import "testing"

// By size, all stay up to the bound and a sample after it; what is kept says where the bound is.
func TestKeepBySize(t *testing.T) {
	k := keeper{keep: KeepBySize, passed: map[string]int{}}
	const size = EnoughKept / 1000
	for n := range 3000 {
		stays := k.stays("order", size)
		if want := n < 1000 || n%SampleEvery == 0; stays != want {
			t.Fatalf("history %d stays: %t", n, stays)
		}
	}
	if !k.stays("another", size) {
		t.Error("of a scenario whose first cell came late nothing is kept")
	}
}
