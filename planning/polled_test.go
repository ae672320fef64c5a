package planning

import (
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// TestPolled: of each call that a workflow was seen to ask after it is killed once between the polls, and each poll fails for
// long once, on the first journey that has it, where nothing strikes any more.
func TestPolled(t *testing.T) {
	d := saga.Definition{ID: "s1", Steps: []saga.Step{{Name: "charge", Compensation: &saga.Call{}}, {Name: "ship"}}, Reads: []string{"find", "find-refund"}, Polled: []string{"charge", "charge.undo"}}
	way := func(attempts string, last int, fs ...faults.Fault) Journey {
		j := Journey{Plan: faults.Plan{Faults: fs}, Trace: Trace{Visits: passing(t, attempts), Last: last}}
		for i, v := range j.Trace.Visits {
			j.Trace.Visits[i].Read = strings.HasPrefix(v.At.Step, "find")
		}
		return j
	}
	no := declined(point("ship", 1, saga.Receive))
	journeys := []Journey{
		way("charge#1 find#1 ship#1", 0),
		way("charge#1 find#1 ship#1 charge.undo#1", 13, no), // and never asks
		way("charge#1 find#1 ship#1 charge.undo#1 find-refund#1 find-refund#2", 13, no),
		way("charge#1 find#1 charge.undo#1 find-refund#1", 5, lost(point("charge", 1, saga.Response))),
	}
	var got []string
	for _, p := range slices.Concat(killsBetweenPolls(d, journeys), PollsAway(d, journeys)) {
		if err := p.Fits([]saga.Definition{d}); err != nil {
			t.Error(err)
		}
		got = append(got, p.String())
	}
	want := []string{
		"crash-orchestrator waiting charge#1@response",
		"reject ship#1@receive, crash-orchestrator waiting charge.undo#1@response",
		"outage of [find] from 0ms for 3000ms",
		"reject ship#1@receive, outage of [find-refund] from 0ms for 3000ms",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, expected %q", got, want)
	}
}
