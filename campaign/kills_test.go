package campaign

import (
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// killedInWaits checks that the workflow of a run was killed while it only waited, and twice in one saga, each on its way
// forward and back.
func killedInWaits(t *testing.T, out string) {
	t.Helper()
	seen := map[string]bool{}
	var missed []string
	for _, h := range historiesIn(t, out) {
		ix, way, kills := history.NewIndex(h), saga.Action, 0
		for i := range h.Events {
			if h.Events[i].Kind == history.ProcessKilled {
				kills++
			}
		}
		for i, f := range h.Header.Faults {
			if f.At.Direction == saga.Compensation {
				way = saga.Compensation
			}
			switch {
			case !strings.Contains(f.Text, faults.Waiting):
			case len(ix.Fired[i]) == 0 || underWay(ix, ix.Fired[i][0].Seq):
				missed = append(missed, f.Text+" in "+h.Header.Cell)
			default:
				seen["in a wait, "+string(way)] = true
			}
		}
		if kills == 2 {
			seen["twice, "+string(way)] = true
		}
	}
	for _, way := range []saga.Direction{saga.Action, saga.Compensation} {
		for _, want := range []string{"in a wait, ", "twice, "} {
			if !seen[want+string(way)] {
				t.Errorf("the process was never killed %s%s; planned, and not in a wait: %v", want, way, missed)
			}
		}
	}
}

// underWay tells whether a call of the first saga was under way, or none came any more, at an event.
func underWay(ix *history.Index, seq int) bool {
	later := false
	for _, o := range ix.Sagas[0].Ops {
		if slices.ContainsFunc(o.Attempts, func(a *history.Attempt) bool {
			later = later || a.Sent != nil && a.Sent.Seq > seq
			return a.Sent != nil && a.Sent.Seq < seq && (a.Ended == nil || a.Ended.Seq > seq)
		}) {
			return true
		}
	}
	return !later
}
