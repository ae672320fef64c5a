package campaign

import (
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
)

// What each cell breaks does not end the search for what few cells break: cells that show something new have the
// others counted anew. Cells that break the same again and again end it, and so do those that fail to run.
func TestWhatEachCellBreaksDoesNotHideTheRest(t *testing.T) {
	const noFault = "no fault"
	plain, lost, stuck := []string{"mangled-body"}, []string{"lost-compensation", "mangled-body"}, []string{"mangled-body", "stuck-saga"}
	for name, c := range map[string]struct {
		cells [][]string
		why   string
	}{
		"all the same":             {[][]string{plain, plain, plain}, "after 3 cells broke mangled-body (--max-failures)"},
		"something new":            {[][]string{plain, plain, lost, plain, plain, stuck, plain, plain}, ""},
		"nothing new any more":     {[][]string{plain, lost, plain, lost, plain, plain}, "after 3 cells broke mangled-body (--max-failures)"},
		"fails to run":             {[][]string{nil, plain, nil, lost, nil}, "after 3 cells failed to run (--max-failures)"},
		"several at once":          {[][]string{lost, lost, lost}, "after 3 cells broke lost-compensation, mangled-body (--max-failures)"},
		"advice is no failure":     {[][]string{{"redundant-call"}, {"redundant-call"}, {"redundant-call"}}, ""},
		"whatever is advised too":  {[][]string{plain, {"mangled-body", "redundant-call"}, plain}, "after 3 cells broke mangled-body (--max-failures)"},
		"broken without a fault":   {[][]string{{noFault, "mangled-body"}, plain, lost, plain, plain, plain, lost}, ""},
		"without any, in each":     {[][]string{{noFault, "mangled-body"}, {noFault, "mangled-body"}, {noFault, "mangled-body"}}, "after 3 cells broke mangled-body (--max-failures)"},
		"what faults break counts": {[][]string{{noFault, "mangled-body"}, lost, lost, plain, lost}, "after 3 cells broke lost-compensation (--max-failures)"},
	} {
		x := &session{s: Settings{MaxFailures: 3}, alike: newAlike(0, time.Second)}
		ctx := x.begin(t.Context())
		for _, broken := range c.cells {
			if broken == nil {
				x.failOne(failedToRun)
				continue
			}
			var verdicts []checkers.Verdict
			some := []faults.Fault{{Kind: "lose"}}
			for _, p := range broken {
				if p == noFault {
					some = nil
					continue
				}
				verdicts = append(verdicts, checkers.Verdict{Property: p, Outcome: checkers.Violation})
			}
			x.fail(harness.Result{Cell: harness.Cell{Scenario: "order", Plan: faults.Plan{Faults: some}}}, verdicts)
		}
		if why, _ := cutBy(ctx, nil); why != c.why {
			t.Errorf("%s: got %q, want %q", name, why, c.why)
		}
		x.stop(nil)
	}
}
