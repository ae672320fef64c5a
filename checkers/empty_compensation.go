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
		Clauses:    []Clause{{Name: whole, Text: "TODO"}},
		Evidence:   "call-received and call-committed. At risk: compensations received while their action had no effect.",
		Blind:      "Effects that the participant did not record as such.",
		Cost:       "linear",
		Wants:      []Trait{compensations},
	}
}

// Check judges a history.
func (c EmptyCompensation) Check(_ *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	for _, s := range ix.Sagas {
		for _, o := range opsOf(s) {
			if o.Op.Direction != saga.Compensation {
				continue
			}
			done := math.MaxInt
			if es := effects(s.Op(o.Op.Step, saga.Action)); len(es) > 0 {
				done = es[0].Seq
			}
			if receivedBefore(o, done) {
				t.held(whole, 1)
			}
			if len(o.Effects) > 0 && o.Effects[0].Seq < done {
				t.violate(whole, o.Op, o.Effects[:1], "broke the null compensation: %s booked %s although its action had no effect", o.Op, effectOf(o.Effects[0]))
			}
		}
	}
	return t.verdict("no compensation arrived while its action had no effect")
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
