package checkers

import (
	"cmp"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// What degradation-failure says of ways round: see ways.go.

// deferring is the capability to do steps later.
var deferring = []string{"deferrable"}

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
			checkNotTaken(t, ix, s, first, way.Name, ds, clause)
		case began != nil && s.Ended.Status == saga.Completed:
			t.held(clause, 1)
		}
	}
}

// checkNotTaken judges a saga of which a step was given up, and the one that stands for it never
// attempted.
func checkNotTaken(t *tally, ix *history.Index, s *history.SagaRecord, first saga.Step, way string, ds []disturbance, clause string) {
	o := s.Op(first.Name, saga.Action)
	if o == nil || s.Ended.Status != saga.Compensated {
		return
	}
	end := cmp.Or(refusal(ix.History, o), surelyUsedUp(s, o, ds))
	if end == nil {
		return
	}
	switch state, why := coreBeside(ix, s, ds, s.Ended, first.Name); state {
	case coreUnsure:
		t.unjudgeable(clause, "%s", why)
	case coreDone:
		t.violate(clause, o.Op, []*history.Event{end.Ended, s.Ended}, "broke graceful degradation: saga %s ended %s because %s was given up, and %s, which stands for it, was never attempted", s.ID, s.Ended.Status, first.Name, way)
	case coreFailed:
	}
}
