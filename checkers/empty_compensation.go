package checkers

import (
	"math"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// EmptyCompensation finds compensations that had an effect although their action
// had none at that time. A compensation may well be sent for an action of
// unknown outcome; it must then be a successful no-op (a null compensation).
//
// Source: DTM, "null compensation"; Seata, "empty rollback". Evidence:
// call-received, call-committed; participants record effects in the order in
// which they happen. It cannot see effects that are not recorded. Cost: linear.
type EmptyCompensation struct{}

var _ Checker = EmptyCompensation{}

// Doc documents the checker.
func (EmptyCompensation) Doc() Doc {
	return Doc{
		Name:       "empty-compensation",
		Definition: "A compensation had an effect although its action had none; a null compensation must be a successful no-op.",
		Source:     "DTM, exceptions: null compensation; Seata, empty rollback",
		Clauses: []Clause{
			{Name: neverArrived, Text: "a compensation that arrives while no attempt of its action has arrived has no effect", Inside: true},
			{Name: withoutEffect, Text: "a compensation that arrives after an attempt of its action, which had no effect, has none either", Inside: true},
		},
		Evidence:  "call-received and call-committed.",
		Prevented: "A participant that answers an undo of what it has never done with success, and does nothing.",
		Blind:     "Effects that the participant did not record as such.",
		Cost:      "linear",
		Wants:     []Trait{compensations},
	}
}

// The clauses of a null compensation.
const (
	neverArrived  = "action-never-arrived"
	withoutEffect = "action-without-effect"
)

// Check judges a history.
func (c EmptyCompensation) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	for _, s := range ix.Sagas {
		for _, o := range opsOf(s) {
			if o.Op.Direction != saga.Compensation || h.Real(o.Op.Step) { // that says "done" of a no-op as well
				continue
			}
			act := s.Op(o.Op.Step, saga.Action)
			done := math.MaxInt
			if es := effects(act); len(es) > 0 {
				done = es[0].Seq
			}
			clause := neverArrived
			if act != nil && receivedBefore(act, firstReceived(o)) {
				clause = withoutEffect
			}
			switch {
			case len(o.Effects) > 0 && o.Effects[0].Seq < done:
				t.violate(clause, o.Op, o.Effects[:1], "broke the null compensation: %s booked %s although its action had no effect", o.Op, effectOf(o.Effects[0]))
			case receivedBefore(o, done):
				t.held(clause, 1)
			}
		}
	}
	return t.verdict("no compensation arrived while its action had no effect")
}

// firstReceived is when the operation arrived for the first time.
func firstReceived(o *history.OpRecord) int {
	first := math.MaxInt
	for _, a := range o.Attempts {
		for _, e := range a.Received {
			first = min(first, e.Seq)
		}
	}
	return first
}

func receivedBefore(o *history.OpRecord, seq int) bool {
	for _, a := range o.Attempts {
		for _, e := range a.Received {
			if e.Seq < seq {
				return true
			}
		}
	}
	return false
}
