package campaign

import (
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/harness"
)

func TestWhatHeldARunBack(t *testing.T) {
	for _, c := range []struct {
		name string
		held harness.Held
		want string
	}{
		{"too short to tell", harness.Held{Processes: 4 * time.Second, Of: 4 * time.Second}, ""},
		{"nothing of note", harness.Held{Late: time.Second, Processes: time.Second, Of: 10 * time.Second}, ""},
		{"one thing", harness.Held{Processes: 6 * time.Second, Of: 10 * time.Second}, "cells waited 60 % of the time as 4 orchestrators of their own ran (--processes)"},
		{
			"all three, at the same time",
			harness.Held{Late: 5 * time.Second, Parallel: 3 * time.Second, Processes: 10 * time.Second, Of: 10 * time.Second},
			"cells waited 50 % of the time for the machine, which was late; 30 % of the time as 64 sagas ran (--parallel); 100 % of the time as 4 orchestrators of their own ran (--processes)",
		},
	} {
		if got := held(c.held, 64, 4); got != c.want {
			t.Errorf("%s: %q, expected %q", c.name, got, c.want)
		}
	}
}
