package checkers

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// LostCompensation finds effects of actions that nobody undid, in sagas that
// ended compensated, or that were given up on their way back.
//
// Source: Seata #6374 (the cancel was skipped), DTM #8 (the debit was kept).
// Evidence: call-committed, saga-ended, saga-status. A saga that is reported as
// stuck for a good reason (its compensation was refused for good, or is at the
// end of its policy) is a person's matter and not counted. It cannot see steps
// without a compensation: they have nothing to undo. A workflow of the user's own that
// nothing turns when a step with a compensation is done needs none of it. Cost: linear.
type LostCompensation struct{}

var _ Checker = LostCompensation{}

// Doc documents the checker.
func (LostCompensation) Doc() Doc {
	return Doc{
		Name:       "lost-compensation",
		Definition: "The saga ended compensated, or got stuck on its way back, and an effect of an action has no effect of its compensation.",
		Source:     "Seata #6374; DTM #8",
		Clauses: []Clause{
			{Name: undoKnown, Text: "in a saga that was rolled back, the effect of an action whose success the orchestrator surely learnt is undone", Wants: []Trait{compensations, manySteps}},
			{Name: undoUnknown, Text: "the effect of an action whose outcome it can't surely know is undone, too"},
			{Name: undoAfterCrash, Text: "the effect of an action is undone though the orchestrator was killed after it", Does: []string{history.Kill}},
			{Name: undoOperator, Text: "the effect of an action is undone where an operator asked for the rollback", Needs: []string{"operator-compensation"}},
		},
		Evidence:  "call-committed, call-ended, saga-operator, saga-status and saga-ended",
		Prevented: "Storing the intent before each call, and undoing whatever may have been done, also what was never answered.",
		Blind:     "Steps without a compensation. Sagas stuck for a good reason (what must succeed was refused for good, or is at the end of its policy) are a person's matter.",
		Cost:      "linear",
		Wants:     []Trait{compensations},
	}
}

// The clauses: what might make an orchestrator forget an effect.
const (
	undoKnown      = "outcome-known"
	undoUnknown    = "outcome-unknown"
	undoAfterCrash = "after-crash"
	undoOperator   = "operator"
)

// Check judges a history.
func (c LostCompensation) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	ds := disturbances(h, ix)
	if h.Header.Workflow != "" && !mayTurnWhenDone(h) {
		for _, clause := range c.Doc().Clauses {
			t.lacks(clause.Name, "no step without which the saga can't end well comes after one with a compensation, or runs beside it")
		}
	}
	for _, s := range ix.Sagas {
		end := s.Ended
		person := ""
		switch {
		case end != nil && end.Status == saga.Compensated:
		case end != nil:
			continue
		case h.Header.Workflow != "" && s.Status().Left(): // it says so for good
			person, end = stuckForAReason(h, s), last(s.Reports)
		case !rollbackBegan(s):
			continue
		case s.Status().Left():
			person, end = stuckForAReason(h, s), last(s.Reports)
		default:
			t.unjudgeable(undoKnown, "a saga was on its way back and has not ended")
			continue
		}
		for _, step := range s.Definition.Steps {
			did := effects(s.Op(step.Name, saga.Action))
			left := standing(s, step.Name)
			if len(did) == 0 || !undoAsks(step) {
				continue
			}
			switch clause := undoing(ds, s, step, end); {
			case len(left) > 0 && s.Op(step.Name, saga.Action).Misled():
				t.unjudgeable(clause, misled)
			case len(left) > 0 && unsureUndo(h, s, step.Name) == own5xx:
				t.unjudgeable(clause, own5xx)
			case len(left) == 0 && unsure(h, s.Op(step.Name, saga.Action)) != "":
				t.unjudgeable(clause, "%s", unsure(h, s.Op(step.Name, saga.Action)))
			case person != "":
				t.unjudgeable(clause, "the saga may be left to a person: what is still to do was refused for good, or has used up its attempts")
			case len(left) > 0:
				events, what := leftBehind(s, step, left[0])
				t.violate(clause, action(s, step.Name), append(events, end), "broke all-or-nothing: saga %s was left %s, but %s booked %s and was %s", s.ID, endState(s), action(s, step.Name), effectOf(left[0]), what)
			default:
				t.held(clause, 1)
			}
		}
	}
	return t.verdict("no saga with an effect ended compensated")
}

// mayTurnWhenDone tells whether a saga may have to be rolled back when a step with a compensation is done, or may be: another
// step that it can't do without comes after it or runs beside it, its own attempts are promised to have an end, at which nobody may
// know what they did, or an operator may ask for it. A refusal of the only such step leaves nothing to undo. Who promises no end of
// attempts and gives up all the same is seen to do so where an answer is lost: that counts, whatever this says.
func mayTurnWhenDone(h *history.History) bool {
	if slices.Contains(h.Header.Orchestrator.Capabilities, "operator-compensation") {
		return true
	}
	return slices.ContainsFunc(h.Header.Definitions, func(d saga.Definition) bool {
		return slices.ContainsFunc(d.Steps, func(s saga.Step) bool {
			if !undoable(s) {
				return false
			}
			return bounded(s.Action) || slices.ContainsFunc(d.Steps, func(other saga.Step) bool {
				return other.Name != s.Name && critical(h, other) && !slices.Contains(d.Ancestors(s.Name), other.Name)
			})
		})
	})
}

// leftBehind is what proves that an effect was not undone, and what became of it in words.
func leftBehind(s *history.SagaRecord, step saga.Step, did *history.Event) (events []*history.Event, what string) {
	events = []*history.Event{did}
	parts := partsOf(s, step.Name, did, always)
	if !inParts(step) || len(parts) == 0 {
		return events, "never undone"
	}
	var given []string
	for _, e := range parts {
		given = append(given, effectOf(e))
	}
	return append(events, parts...), fmt.Sprintf("undone in part only (%s): %s is left", strings.Join(given, ", then "), leftOf(s, step, did, always))
}

// undoing is the clause that an effect of a saga that was rolled back falls under.
func undoing(ds []disturbance, s *history.SagaRecord, step saga.Step, end *history.Event) string {
	o := s.Op(step.Name, saga.Action)
	switch {
	case slices.ContainsFunc(s.Operator, func(e *history.Event) bool { return saga.Classify(e.Code) == saga.Done }):
		return undoOperator
	case kills(ds, o.Effects[0].Seq, end.Seq) > 0:
		return undoAfterCrash
	case o.Learnt(saga.Done) != nil:
		return undoKnown
	}
	return undoUnknown
}

// rollbackBegan tells whether the saga was on its way back.
func rollbackBegan(s *history.SagaRecord) bool {
	for _, r := range s.Reports {
		if r.Status == saga.Compensating || r.Status == saga.Compensated {
			return true
		}
	}
	for ref := range s.Ops {
		if ref.Direction == saga.Compensation {
			return true
		}
	}
	return false
}

// hasEffect tells whether a call is there and asks for an effect. A body that is
// no effect counts: it asks for something.
func hasEffect(c *saga.Call) bool {
	if c == nil || len(c.Body) == 0 {
		return false
	}
	if bytes.Contains(c.Body, []byte(`"account":"`)) || bytes.Contains(c.Body, []byte(`"register":"`)) {
		return true // without reading all of it, which would be most of the work
	}
	e, err := c.Effect()
	return err != nil || !e.IsZero()
}

// endState is the state in which the saga was left.
func endState(s *history.SagaRecord) saga.Status {
	if s.Ended != nil {
		return s.Ended.Status
	}
	return s.Status()
}
