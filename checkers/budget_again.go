package checkers

import (
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// What a saga promises that is run forward in rounds: see saga.Definition.InRound.

// The clauses of retry-budget about rounds of a saga.
const (
	againMost    = "rounds-of-saga"
	againRefused = "refused-is-over"
	againRuns    = "run-again"
)

var sagaRounds = Trait{"a saga that is run forward in rounds", anyDefinition(saga.Definition.HasRounds)}

func againClauses() []Clause {
	wants, needs := []Trait{sagaRounds}, []string{"saga-rounds"}
	return []Clause{
		{Name: againMost, Text: "a saga is run forward no more often than rounds: those that were as often as that, and undone", Wants: wants, Needs: needs},
		{Name: againRefused, Text: "one of which an action was refused for good, or that an operator had undone, is not run again", Wants: wants, Needs: needs},
		{Name: againRuns, Text: "one that was undone because attempts came to nothing is run again as long as there are rounds left, and its budget lasts", Wants: wants, Needs: needs},
	}
}

// checkAgain looks at the rounds of a saga.
func checkAgain(t *tally, ix *history.Index, s *history.SagaRecord, ds []disturbance) {
	if !s.Definition.HasRounds() {
		return
	}
	parts, most := roundsApart(s), s.Definition.Rounds
	for i, part := range parts[:len(parts)-1] {
		next := part.Ended
		switch over := wasOver(ix, part); {
		case i+1 >= most:
			t.violate(againMost, action(s, ""), []*history.Event{next}, "broke the rounds of saga %s: it was run forward again after %d rounds, and may be run in %d", s.ID, i+1, most)
			return
		case over == nil:
			t.held(againRuns, 1)
		case disturbed(ds, over.Seq, next.Seq):
			t.unjudgeable(againRefused, wasDisturbed)
		default:
			t.violate(againRefused, action(s, ""), []*history.Event{over, next}, "broke the rounds of saga %s: it was run forward again, although %s", s.ID, whyOver(over))
			return
		}
	}
	checkLastRound(t, ix, s, parts, ds)
}

// checkLastRound looks at a saga that was undone, and not run again.
func checkLastRound(t *tally, ix *history.Index, s *history.SagaRecord, parts []*history.SagaRecord, ds []disturbance) {
	last := parts[len(parts)-1]
	if last.Ended == nil || last.Ended.Status != saga.Compensated {
		return
	}
	switch {
	case wasOver(ix, last) != nil:
		if len(parts) < s.Definition.Rounds {
			t.held(againRefused, 1)
		}
	case mayBeOver(ix, last):
	case len(parts) >= s.Definition.Rounds:
		t.held(againMost, 1)
	case budgetMayBeSpent(ix.History, ix, last, ds, last.Ended) || s.Definition.Budget.TimeMS > 0:
		// there was a reason
	default:
		t.violate(againRuns, action(s, ""), []*history.Event{last.Ended}, "broke the rounds of saga %s: it was given up after %d of %d, although nothing of it had been refused", s.ID, len(parts), s.Definition.Rounds)
	}
}

// wasOver is the event from which the orchestrator surely learnt that a round is the last one: a refusal for good,
// or an operator's request; nil: there is none.
func wasOver(ix *history.Index, s *history.SagaRecord) (first *history.Event) {
	note := func(e *history.Event) {
		if first == nil || e.Seq < first.Seq {
			first = e
		}
	}
	for _, step := range s.Definition.Steps {
		if o := s.Op(step.Name, saga.Action); o != nil {
			if no := refusal(ix.History, o); no != nil {
				note(no.Ended)
			}
		}
	}
	for _, e := range s.Operator {
		if saga.Classify(e.Code) == saga.Done {
			note(e)
		}
	}
	return first
}

func whyOver(e *history.Event) string {
	if e.Kind == history.SagaOperator {
		return "an operator had asked for its rollback"
	}
	return e.Operation().String() + " had been refused for good"
}

// mayBeOver tells whether the orchestrator may have learnt of a reason not to run a saga again.
func mayBeOver(ix *history.Index, s *history.SagaRecord) bool {
	return mayHaveBeenAsked(s) || slices.ContainsFunc(s.Definition.Steps, func(step saga.Step) bool {
		o := s.Op(step.Name, saga.Action)
		return o != nil && (mayHaveLearnt(o, saga.Permanent) || mayBeRefused(ix.History, o))
	})
}
