package harness

import (
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/saga"
)

// repairsWatched is how long it is looked on when a repair was answered, or when there is nothing to repair: one repair too
// many comes later than the first.
const repairsWatched = 1500 * time.Millisecond

// repairsSettled tells whether what an orchestrator repairs has come, where it does, and was looked on at for long enough since: since the
// last drift, the last answer to a repair, and the end of the last saga.
func (r *cellRun) repairsSettled() bool {
	events, now := r.rec.Since(0)
	if !r.can(orchestrators.Repair) || !slices.ContainsFunc(events, isDrift) {
		return true
	}
	at, all := repairsOver(events)
	return all && now-at >= repairsWatched
}

// repairsOver is when the last happened of what ends the waiting for repairs; not all: a repair is still due.
func repairsOver(events []history.Event) (at time.Duration, all bool) {
	for _, e := range events {
		switch {
		case isDrift(e) && !repaired(events, e):
			return 0, false
		case isDrift(e), e.Kind == history.SagaEnded, e.Kind == history.CallEnded && repairs(events, e):
			at = e.At
		}
	}
	return at, true
}

func isDrift(e history.Event) bool { return e.Kind == history.Drifted }

// repairs tells whether a call that is over was that of a repair.
func repairs(events []history.Event, over history.Event) bool {
	return slices.ContainsFunc(events, func(e history.Event) bool { return isDrift(e) && e.Seq < over.Seq && e.Operation() == over.Operation() })
}

// repaired tells whether a drift needs no repair, or had one that was answered.
func repaired(events []history.Event, drifted history.Event) bool {
	return drifted.Direction == saga.Action || slices.ContainsFunc(events, func(e history.Event) bool {
		return e.Kind == history.CallEnded && e.Seq > drifted.Seq && e.Operation() == drifted.Operation() && saga.Classify(e.Code) == saga.Done
	})
}
