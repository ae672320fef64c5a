package live_test

import (
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/reports/live"
	"github.com/sagacheck/sagacheck/results"
)

// A campaign may count the same in many parts: one line tells how far it is, and none is of nothing.
func TestPartsOfTheSameAreOnePhase(t *testing.T) {
	v := live.NewView()
	v.Progress("cells", 0).Finish()
	h := live.Handler(v)
	lacks(t, shows(t, h, "/"), "<progress")
	first := v.Progress("cells", 3)
	first.Done(results.Passed)
	first.SetTotal(1) // the others are left out
	first.Finish()
	second := v.Progress("cells", 2)
	second.Done(results.Passed)
	if page := shows(t, h, "/", `value="2" max="3"`, "2 of 3 cells"); strings.Count(page, "<progress") != 1 {
		t.Error("not one phase:", page)
	} else {
		lacks(t, page, ": done", ": ended")
	}
	second.Done(results.Passed)
	second.Finish()
	shows(t, h, "/", "3 of 3 cells", ": done")
}

// What was cut is not done.
func TestWhatWasCutIsNotDone(t *testing.T) {
	v := live.NewView()
	p := v.Progress("cells", 2)
	p.Done(results.Passed)
	v.Progress("plans", 1) // nobody says that it is over
	p.Finish()
	h := live.Handler(v)
	lacks(t, shows(t, h, "/", "1 of 2 cells", ": ended"), ": done")
	v.End(live.End{Outcome: results.Incomplete})
	if page := shows(t, h, "/"); strings.Count(page, ": ended") != 2 {
		t.Error(page)
	}
}
