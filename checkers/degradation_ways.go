package checkers

import (
	"cmp"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// What degradation-failure says of ways round: see ways.go.

// deferring is the capability to do steps later.
var deferring = []string{"deferrable"}

// deferredPolicy is the capability to do them when their policy says.
var deferredPolicy = []string{"deferred-policy"}

// The traits without which no saga can end well in spite of a step that failed.
var (
	waysRound  = Trait{"a step that stands for another one", anyDefinition(hasFallback)}
	degradable = Trait{"a deferrable step, or one that stands for another one", func(ds []saga.Definition) bool { return deferrables.has(ds) || waysRound.has(ds) }}
)

// checkWays looks for a saga that was rolled back for a step that was given up, and took no way
// round it.
func checkWays(t *tally, ix *history.Index, s *history.SagaRecord, ds []disturbance) {
	for _, way := range ix.Saga(s.ID).Definition.Steps {
		if way.FallbackFor == "" || s.Ended == nil || isGivenUp(s) {
			continue
		}
		clause := wayRound
		if kills(ds, 0, s.Ended.Seq) > 0 {
			clause = wayAfterCrash
		}
		first, stands := s.Definition.Step(way.FallbackFor)
		began := firstSent(s.Op(way.Name, saga.Action))
		switch {
		case stands:
			checkNotTaken(t, ix, s, first, way, ds, clause)
		case began != nil && s.Ended.Status == saga.Completed:
			t.held(clause, 1)
		}
	}
}

// checkNotTaken judges a saga of which a step was given up, and the one that stands for it never
// attempted.
func checkNotTaken(t *tally, ix *history.Index, s *history.SagaRecord, first, way saga.Step, ds []disturbance, clause string) {
	o := s.Op(first.Name, saga.Action)
	if o == nil || s.Ended.Status != saga.Compensated {
		return
	}
	end := cmp.Or(refusal(ix.History, o), surelyUsedUp(ix.History, s, o, ds))
	if end == nil {
		return
	}
	switch state, why := coreBeside(ix, s, ds, s.Ended, first.Name); state {
	case coreUnsure:
		t.unjudgeable(clause, "%s", why)
	case coreDone:
		if why := mayHaveFailedUnseen(ix.History, s, end, way, ds); why != "" {
			t.unjudgeable(clause, "%s", why)
			return
		}
		t.violate(clause, o.Op, []*history.Event{end.Ended, s.Ended}, "broke graceful degradation: saga %s ended %s because %s was given up, and %s, which stands for it, was never attempted", s.ID, s.Ended.Status, first.Name, way.Name)
	case coreFailed:
	}
}

// mayHaveFailedUnseen says why a step may have been given up of which the wire saw nothing,
// although it stands for one whose last attempt is known; empty: it can't.
func mayHaveFailedUnseen(h *history.History, s *history.SagaRecord, last *history.Attempt, way saga.Step, ds []disturbance) string {
	limit := way.Action.Retry.ShortestTimeout()
	switch {
	case mayBeUsedUp(way.Action, nil, ds, s.Ended):
		return killMayCost
	case h.MayBeRefused(action(s, way.Name)), way.Action.Breaker != nil, limit > 0 && roomFor(s, last, way) >= limit:
		return unseen
	}
	return ""
}

// roomFor is how long a step can have been under way that stands for another one: since the last
// attempt of that failed, or was undone, until another step was undone, or the saga over.
func roomFor(s *history.SagaRecord, last *history.Attempt, way saga.Step) time.Duration {
	from, until := earliestFailure(last), s.Ended.At
	for _, undo := range s.Undos(way.FallbackFor) {
		if undone := acknowledged(undo); undone != nil {
			from = max(from, passedOn(undone))
		}
	}
	for _, e := range s.Calls {
		if e.Kind == history.CallSent && e.Direction == saga.Compensation && e.Step != way.FallbackFor {
			until = min(until, e.At)
		}
	}
	return until - from
}
