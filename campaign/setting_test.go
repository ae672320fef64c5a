package campaign

import "testing"

// TestSetting: what was measured of one time-out comes to one number, a little early or late.
func TestSetting(t *testing.T) {
	for want, measured := range map[int][]int{
		1: {0, 1}, 7: {7}, 100: {97, 100, 104}, 250: {241, 249, 250, 262}, 300: {296, 311}, 1000: {985, 1003, 1090}, 10000: {9990, 10400},
	} {
		for _, ms := range measured {
			if got := setting(ms); got != want {
				t.Errorf("%d ms: %d, expected %d", ms, got, want)
			}
		}
	}
}
