package checkers

import (
	"fmt"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// DuplicateCompensation finds compensations that had more than one effect: what
// was taken once is given back twice.
//
// Source: Apache ServiceComb txle #13 (rolled back twice after a time-out under
// concurrency); Camunda #15141 (a handler is invoked exactly as often as its
// activity completed). Evidence: call-received, call-committed. It cannot see an
// effect that the participant did not record. Cost: linear.
type DuplicateCompensation struct{}

var _ Checker = DuplicateCompensation{}

// Doc documents the checker.
func (DuplicateCompensation) Doc() Doc {
	return Doc{
		Name:       "duplicate-compensation",
		Definition: "A compensation had more than one effect: what was done once is undone twice.",
		Source:     "Apache ServiceComb txle #13; Camunda #15141",
		Clauses:    repetitions("a compensation"),
		Evidence:   "call-sent, call-received, call-committed and call-ended of compensations.",
		Prevented:  "A key of its own for each undo, the same at each attempt and after each restart, and a participant that remembers it.",
		Blind:      "An effect that the participant did not record as one; double-credit compares with the ledgers.",
		Cost:       "linear",
		Wants:      []Trait{compensations},
	}
}

// Check judges a history.
func (c DuplicateCompensation) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	ds := disturbances(h, ix)
	for _, s := range singleSagas(h, ix) {
		for _, o := range opsOf(s) {
			if o.Op.Direction != saga.Compensation {
				continue
			}
			if broken, proof := judgeRepetitions(t, h, ds, o); broken != "" {
				undone := action(s, o.Op.Step).String()
				if step, _ := s.Definition.Step(o.Op.Step); inParts(step) {
					undone = fmt.Sprintf("one part of %s (%s)", undone, o.Op.Ref())
				}
				t.violate(broken, o.Op, proof, "broke exact compensation: %s was undone %d times, each time by %s", undone, len(o.Effects), effectOf(o.Effects[0]))
			}
		}
	}
	return t.verdict("no compensation was delivered")
}
