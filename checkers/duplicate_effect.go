package checkers

import (
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// DuplicateEffect finds operations that had more than one effect: the retry of
// an operation that had already been done, at a participant that did not notice.
//
// Source: DTM's "exceptions" (repeated requests) and the fence of Seata's TCC.
// Evidence: call-received, call-committed. It cannot see an effect that the
// participant did not record; double-credit compares with the ledgers. Cost:
// linear.
type DuplicateEffect struct{}

var _ Checker = DuplicateEffect{}

// Doc documents the checker.
func (DuplicateEffect) Doc() Doc {
	return Doc{
		Name:       "duplicate-effect",
		Definition: "One operation, an action or a compensation, had more than one effect.",
		Source:     "DTM, exceptions: repeated requests; Seata, TCC fence",
		Clauses: append(repetitions("an action"), Clause{
			Name: "compensation", Text: "a compensation that is delivered more than once has one effect; duplicate-compensation says more of it", Wants: []Trait{compensations},
		}),
		Evidence:  "call-sent, call-received, call-committed and call-ended.",
		Prevented: "A key for each operation, the same at each attempt and after each restart, that the participant stores in the commit of the effect.",
		Blind:     "An effect that the participant did not record as one; double-credit compares with the ledgers.",
		Cost:      "linear",
	}
}

// Check judges a history.
func (c DuplicateEffect) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	ds := disturbances(h, ix)
	for _, s := range singleSagas(h, ix) {
		for _, o := range opsOf(s) {
			if broken, proof := c.judge(t, h, ds, o); broken != "" {
				t.violate(broken, o.Op, proof, "broke exactly once: %s had %d effects, the first of them %s", o.Op, len(o.Effects), effectOf(o.Effects[0]))
			}
		}
	}
	return t.verdict("no operation was delivered")
}

func (DuplicateEffect) judge(t *tally, h *history.History, ds []disturbance, o *history.OpRecord) (broken string, proof []*history.Event) {
	switch why := unsure(h, o); {
	case o.Op.Direction == saga.Action:
		return judgeRepetitions(t, h, ds, o)
	case twice(o) != nil:
		return "compensation", twice(o)
	case received(o) > 1 && why != "":
		t.unjudgeable("compensation", "%s", why)
	case received(o) > 1:
		t.held("compensation", 1)
	}
	return "", nil
}

// effectOf is the effect of a call-committed event in words.
func effectOf(e *history.Event) string {
	if e.Effect == nil {
		return "not recorded"
	}
	return e.Effect.String()
}
