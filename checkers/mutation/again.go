package mutation

import (
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// againOperators change how often a saga is run forward.
func againOperators() []Operator {
	return []Operator{
		{"round-too-many", "retry-budget", "a saga is run forward once more after its last round", oneMoreRound(true)},
		{"round-after-refusal", "retry-budget", "a saga is run forward again after an action was refused for good", oneMoreRound(false)},
		{"round-left-out", "retry-budget", "a saga is given up although it may be run forward again", roundLeftOut},
		{"round-at-once", "retry-budget", "a saga is run forward again as soon as the round before is undone", roundAtOnce},
	}
}

// roundsOf is how often a saga was run forward.
func roundsOf(s *history.SagaRecord) (most int) {
	for ref := range s.Ops {
		_, n := saga.RoundOf(ref.Step)
		most = max(most, n)
	}
	return most
}

// oneMoreRound calls the first step of a saga that was undone once more, before its end.
func oneMoreRound(last bool) func(*history.Index, func(string, *edit) bool) {
	return func(ix *history.Index, yield func(string, *edit) bool) {
		for _, s := range ix.Sagas {
			n := roundsOf(s)
			first := lastSent(s.Op(s.Definition.Steps[0].Name, saga.Action))
			if !s.Definition.HasRounds() || first == nil || s.Ended == nil || s.Ended.Status != saga.Compensated || len(s.Operated)+len(s.Operator) > 0 || disturbed(ix) {
				continue
			}
			if at := n >= s.Definition.Rounds; at != last || !last && !surelyRefused(s, n) {
				continue
			}
			op := saga.Operation{Saga: s.ID, Step: saga.InRound(s.Definition.Steps[0].Name, n+1), Direction: saga.Action}
			if !yield(op.String(), change(ix.History).before(s.Ended.Seq, attempt(first, op, 1, 200, nil)...)) {
				return
			}
		}
	}
}

// surelyRefused tells whether an action of a round was refused for good.
func surelyRefused(s *history.SagaRecord, round int) bool {
	for ref, o := range s.Ops {
		if _, n := saga.RoundOf(ref.Step); n == round && ref.Direction == saga.Action && o.Learnt(saga.Permanent) != nil {
			return true
		}
	}
	return false
}

// roundLeftOut takes the rounds behind the first one away, of a saga that was undone in the end.
func roundLeftOut(ix *history.Index, yield func(string, *edit) bool) {
	for _, s := range ix.Sagas {
		if !s.Definition.HasRounds() || roundsOf(s) < 2 || s.Ended == nil || s.Ended.Status != saga.Compensated || len(s.Operator) > 0 || disturbed(ix) {
			continue
		}
		m := change(ix.History).drop(func(e *history.Event) bool {
			_, n := saga.RoundOf(e.Step)
			return e.Saga == s.ID && n > 1
		})
		if !yield(s.ID, m) {
			return
		}
	}
}

// roundAtOnce takes the wait before the second round of a saga away, where it is known when the first one was over.
func roundAtOnce(ix *history.Index, yield func(string, *edit) bool) {
	for _, s := range ix.Sagas {
		if s.Definition.RoundDelay() < 10*time.Millisecond || roundsOf(s) < 2 || len(s.Operated) > 0 || refusing(ix) {
			continue
		}
		last, next := turnOfRound(s)
		if last == nil || next == nil || !last.Certain || next.At < last.At || last.At-last.Passed > 5*time.Millisecond {
			continue
		}
		if !yield(next.Operation().String(), change(ix.History).closeUp(last, next)) {
			return
		}
	}
}

// turnOfRound is the end of the last attempt of the first round of a saga, and the first attempt of the second.
func turnOfRound(s *history.SagaRecord) (last, next *history.Event) {
	for _, e := range s.Calls {
		switch _, n := saga.RoundOf(e.Step); {
		case n == 1 && e.Kind == history.CallEnded && e.Attempt > 0:
			last = e
		case n == 2 && e.Kind == history.CallSent && next == nil:
			next = e
		}
	}
	return last, next
}
