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
		Clauses: []Clause{
			{Name: afterNoOp, Text: "an attempt of an action that arrives, or is still worked on, after its compensation was accepted as a no-op has no effect"},
			{Name: afterUndo, Text: "an attempt, or a copy, of an action that arrives after its compensation had its effect has none"},
		},
		Evidence:  "call-received, call-committed and call-answered.",
		Prevented: "A participant that remembers an undo that came first (a tombstone), and refuses the action that comes after it.",
		Blind:     "An action that slips in between a no-op compensation and its answer; lost-compensation sees what it leaves behind.",
		Cost:      "linear",
		Wants:     []Trait{compensations},
	}
}

// The clauses of a late action.
const (
	afterNoOp = "after-no-op"
	afterUndo = "after-undo"
)

// Check judges a history.
func (c HangingAction) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	for _, s := range ix.Sagas {
		for _, o := range opsOf(s) {
			if o.Op.Direction != saga.Action {
				continue
			}
			undone := undoAccepted(s, o.Op.Step)
			if undone == nil {
				continue
			}
			clause := afterUndo
			if len(undoEffects(s, o.Op.Step)) == 0 {
				clause = afterNoOp
			}
			for _, a := range o.Attempts {
				late := firstAfter(a.Committed, undone.Seq)
				switch {
				case late != nil && h.Real(o.Op.Step) && len(a.Received) > 0 && a.Received[0].Seq < undone.Seq:
					t.unjudgeable(clause, "which of two calls a real service did first is not known")
				case late != nil:
					t.violate(clause, o.Op, []*history.Event{undone, late}, "broke the order of action and compensation: %s booked %s after its compensation had been accepted", o.Op, effectOf(late))
				case workedOnAfter(a, undone.Seq):
					t.held(clause, 1)
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
