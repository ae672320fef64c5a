package checkers

import (
	"bytes"

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
// without a compensation: they have nothing to undo. Cost: linear.
type LostCompensation struct{}

var _ Checker = LostCompensation{}

// Doc documents the checker.
func (LostCompensation) Doc() Doc {
	return Doc{
		Name:       "lost-compensation",
		Definition: "The saga ended compensated, or got stuck on its way back, and an effect of an action has no effect of its compensation.",
		Source:     "Seata #6374; DTM #8",
		Clauses:    []Clause{{Name: whole, Text: "TODO"}},
		Evidence:   "call-committed, saga-status and saga-ended. At risk: effects of actions with a compensation in sagas that ended compensated, or got stuck without a good reason.",
		Blind:      "Steps without a compensation. Sagas stuck for a good reason (what must succeed was refused for good, or is at the end of its policy) are a person's matter.",
		Cost:       "linear",
		Wants:      []Trait{compensations},
	}
}

// Check judges a history.
func (c LostCompensation) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	for _, s := range ix.Sagas {
		end := s.Ended
		switch {
		case end != nil && end.Status == saga.Compensated:
		case end != nil || !rollbackBegan(s):
			continue
		case s.Status() == saga.Stuck:
			if stuckForAReason(h, s) != "" {
				continue
			}
			end = last(s.Reports)
		default:
			t.unknown(whole, "saga %s was on its way back and has not ended", s.ID)
			continue
		}
		for _, step := range s.Definition.Steps {
			did := effects(s.Op(step.Name, saga.Action))
			if len(did) == 0 || !hasEffect(step.Compensation) {
				continue
			}
			t.held(whole, 1)
			if len(effects(s.Op(step.Name, saga.Compensation))) == 0 {
				t.violate(whole, action(s, step.Name), []*history.Event{did[0], end}, "broke all-or-nothing: saga %s was left %s, but %s booked %s and was never undone", s.ID, endState(s), action(s, step.Name), effectOf(did[0]))
			}
		}
	}
	return t.verdict("no saga with an effect ended compensated")
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
