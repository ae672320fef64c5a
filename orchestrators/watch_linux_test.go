package orchestrators

import (
	"os"
	"testing"
)

// TestTheOldestListens: numbers of processes begin anew, and a fresh child shares the
// sockets of its parent.
func TestTheOldestListens(t *testing.T) {
	const initial = 1
	for _, pids := range [][]int{{os.Getpid(), initial}, {initial, os.Getpid()}} {
		if got := oldest(pids); got != initial {
			t.Errorf("%v: took %d for the oldest", pids, got)
		}
	}
	if got := oldest(nil); got != 0 {
		t.Errorf("of none: %d", got)
	}
	for stat, want := range map[string]uint64{
		"7 (a (b) c) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 0 0": 4711,
		"8 (d) S 1": ^uint64(0),
	} {
		if got := startedAt(stat); got != want {
			t.Errorf("%s: started at %d, want %d", stat, got, want)
		}
	}
}
