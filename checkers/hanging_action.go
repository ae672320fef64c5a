package checkers

import (
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// HangingAction finds actions that had their effect after the compensation of
// the same step was accepted: a request that was late on the wire arrives out of
// order, and nobody will ever undo it.
//
// Source: DTM and Seata, "suspension". Evidence: call-received, call-committed,
// call-answered. A compensation is accepted when it has had its effect or got a
// good answer, so an action that slips in between a no-op compensation and its
// answer is not seen here (lost-compensation sees what it leaves behind). Cost:
// linear.
type HangingAction struct{}

var _ Checker = HangingAction{}

// Doc documents the checker.
func (HangingAction) Doc() Doc {
	return Doc{
		Name:       "hanging-action",
		Definition: "An action had its effect after the compensation of the same step was accepted (suspension: a late, out-of-order arrival).",
		Source:     "DTM, exceptions: suspension; Seata, TCC suspension",
		Clauses:    []Clause{{Name: whole, Text: "TODO"}},
		Evidence:   "call-received, call-committed and call-answered. At risk: attempts of an action that were received, or still worked on, after its compensation was accepted.",
		Blind:      "An action that slips in between a no-op compensation and its answer; lost-compensation sees what it leaves behind.",
		Cost:       "linear",
		Wants:      []Trait{compensations},
	}
}

// Check judges a history.
func (c HangingAction) Check(_ *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	for _, s := range ix.Sagas {
		for _, o := range opsOf(s) {
			if o.Op.Direction != saga.Action {
				continue
			}
			undone := accepted(s.Op(o.Op.Step, saga.Compensation))
			if undone == nil {
				continue
			}
			for _, a := range o.Attempts {
				if workedOnAfter(a, undone.Seq) {
					t.held(whole, 1)
				}
			}
			for _, e := range o.Effects {
				if e.Seq > undone.Seq {
					t.violate(whole, o.Op, []*history.Event{undone, e}, "broke the order of action and compensation: %s booked %s after its compensation had been accepted", o.Op, effectOf(e))
				}
			}
		}
	}
	return t.verdict("no action arrived after its compensation")
}

// workedOnAfter tells whether the participant had the attempt after an event.
func workedOnAfter(a *history.Attempt, seq int) bool {
	for _, es := range [][]*history.Event{a.Received, a.Committed, a.Answered} {
		for _, e := range es {
			if e.Seq > seq {
				return true
			}
		}
	}
	return false
}
