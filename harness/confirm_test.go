package harness_test

import (
	"testing"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
)

// Each saga is asked for again after its end, and the history says so though the
// answer is the same: without it nobody could say that the end lasted.
func TestTheEndIsConfirmed(t *testing.T) {
	sys := startLocal(t)
	for _, r := range runPlans(t, sys, scenario(t, "order"), participants.Fenced, []faults.Plan{{}}) {
		ended, again := 0, false
		for _, e := range r.History.Events {
			switch e.Kind {
			case history.SagaEnded:
				ended = e.Seq
			case history.SagaStatus:
				again = again || ended > 0 && e.Status == saga.Completed && len(e.Steps) > 0
			}
		}
		if !again {
			t.Errorf("%s: no report after the end", r.Cell.ID)
		}
	}
}
