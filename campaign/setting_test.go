package campaign

import (
	"testing"
	"time"
)

// TestSetting: what was measured of one time-out comes to one number, a little early or late.
func TestSetting(t *testing.T) {
	for want, measured := range map[int][]int{
		1: {0, 1}, 7: {7}, 100: {97, 100, 104}, 250: {241, 249, 250, 262}, 300: {296, 311}, 1000: {985, 1003, 1090}, 10000: {9990, 10400},
	} {
		for _, ms := range measured {
			if got := setting(millis(ms)); got != want {
				t.Errorf("%d ms: %d, expected %d", ms, got, want)
			}
		}
	}
}

// TestBlurred: a wait is measured once more if the machine was late enough to make another setting
// of it.
func TestBlurred(t *testing.T) {
	for _, c := range []struct {
		wait, late int // ms
		want       bool
	}{
		{253, 0, false}, {253, 20, false}, {291, 45, true}, {253, 40, true}, {1003, 40, false}, {10000, 200, false},
	} {
		if got := blurred(millis(c.wait), millis(c.late)); got != c.want {
			t.Errorf("%d ms, %d late: %v", c.wait, c.late, got)
		}
	}
}

func millis(n int) time.Duration { return time.Duration(n) * time.Millisecond }
