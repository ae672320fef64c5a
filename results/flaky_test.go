package results_test

import (
	"testing"

	"github.com/sagacheck/sagacheck/results"
)

// A finding that is let through, since it doesn't come back, lets nothing else through: what holds its plan is a finding
// of its own, and a cell without a fault, that is part of them all, stands for others only if it comes back each time.
func TestWhatIsFlakyHidesNothing(t *testing.T) {
	letThrough := []string{"violation", "not-flaky"}
	for _, small := range []string{"no fault", "lose a"} {
		cells := [][2]string{{small, "duplicate-effect"}, {"lose a, lose b", "duplicate-effect"}, {"lose a, lose c", "duplicate-effect"}}
		for _, x := range []struct {
			hits int
			want string
		}{
			{0, "new " + small + "; new lose a, lose b; new lose a, lose c"},
			{9, "new " + small + "; new lose a, lose b; new lose a, lose c"},
			{10, "new " + small},
		} {
			played := replayed(small, x.hits)
			r := hold(t, replayedCells(t, played, cells...), letThrough, played)
			if standings(r) != x.want || r.Summary.Exit != 1 {
				t.Errorf("%s came back in %d of 10: got %s, %+v", small, x.hits, standings(r), r.Summary)
			}
		}
	}
}

// That a property was broken without a fault once, which somebody accepted, is no leave to break it with any fault. It is
// where it comes back each time: then no fault is needed.
func TestNoFaultIsNoLeaveForAll(t *testing.T) {
	entry := knows("no fault", "2027-01-31", "lost-compensation")
	cells := [][2]string{{"no fault", "duplicate-effect"}, {"lose a", "duplicate-effect lost-compensation"}}
	for _, x := range []struct {
		hits int
		want string
		exit int
	}{
		{0, "known no fault; new lose a", 1},
		{10, "known no fault; known lose a", 0},
	} {
		played := replayed("no fault", x.hits)
		r := hold(t, replayedCells(t, played, cells...), nil, played, entry)
		if standings(r) != x.want || r.Summary.Exit != x.exit {
			t.Errorf("%d of 10: got %s, %+v", x.hits, standings(r), r.Summary)
		}
	}
	r := hold(t, cellsOf(t, cells[1:]...), nil, results.Replays{}, entry)
	if standings(r) != "new lose a; not-tried no fault" || r.Summary.Exit != 1 {
		t.Errorf("it did not show: got %s, %+v", standings(r), r.Summary)
	}
}
