package checkers

import "github.com/sagacheck/sagacheck/history"

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
		Clauses:    []Clause{{Name: whole, Text: "TODO"}},
		Evidence:   "call-received and call-committed. At risk: operations delivered at least twice, copies by the network included.",
		Blind:      "An effect that the participant did not record as one; double-credit compares with the ledgers.",
		Cost:       "linear",
	}
}

// Check judges a history.
func (c DuplicateEffect) Check(_ *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	for _, s := range ix.Sagas {
		for _, o := range opsOf(s) {
			if received(o) >= 2 {
				t.held(whole, 1)
			}
			if len(o.Effects) > 1 {
				t.violate(whole, o.Op, o.Effects[:2], "broke exactly once: %s had %d effects, the first of them %s", o.Op, len(o.Effects), effectOf(o.Effects[0]))
			}
		}
	}
	return t.verdict("no operation was delivered twice")
}

// effectOf is the effect of a call-committed event in words.
func effectOf(e *history.Event) string {
	if e.Effect == nil {
		return "not recorded"
	}
	return e.Effect.String()
}
