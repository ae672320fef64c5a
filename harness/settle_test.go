package harness

import (
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/history"
)

// An orchestrator that took longer than the settle time to come back, and came back since it was asked what has been
// recorded, has its time from then on: what was recorded before says nothing of it.
func TestBackSinceAsked(t *testing.T) {
	r := &cellRun{h: &Harness{Options: Options{Settle: time.Minute}}}
	long := time.Now().Add(-2 * time.Minute)
	a := history.Activity{LastFault: long, LastMove: long}
	if left := r.unsettled(a, true); left <= 0 {
		t.Errorf("it was away: %v are left, expected some", left)
	}
	if left := r.unsettled(a, false); left > 0 {
		t.Errorf("it was there all the time: %v are left, expected none", left)
	}
}
