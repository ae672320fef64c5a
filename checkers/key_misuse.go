package checkers

import (
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// KeyMisuse finds idempotency keys that are missing, that change between the
// attempts of one operation, or that two operations share.
//
// Source: draft-ietf-httpapi-idempotency-key-header. Evidence: the keys in
// call-sent. Copies that the network made are not the orchestrator's. It cannot
// see sharing with operations outside of the cell. Cost: linear.
type KeyMisuse struct{}

var _ Checker = KeyMisuse{}

// Doc documents the checker.
func (KeyMisuse) Doc() Doc {
	return Doc{
		Name:       "key-misuse",
		Definition: "The idempotency key is missing, changes between attempts of one operation, or is shared by two operations.",
		Source:     "draft-ietf-httpapi-idempotency-key-header",
		Clauses:    []Clause{{Name: whole, Text: "TODO"}},
		Evidence:   "the keys in call-sent. At risk: operations with two or more attempts; if there are two operations or more, each of them.",
		Blind:      "Keys shared with operations outside of the cell.",
		Cost:       "linear",
		Needs:      []string{"idempotency-key"},
	}
}

// Check judges a history.
func (c KeyMisuse) Check(_ *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	owner := map[string]*history.Event{}
	operations := 0
	for _, s := range ix.Sagas {
		for _, o := range opsOf(s) {
			as := sent(o)
			if len(as) == 0 {
				continue
			}
			operations++
			if len(as) > 1 {
				t.held(whole, 1)
			}
			checkKeys(t, o.Op, as, owner)
		}
	}
	if operations > 1 {
		t.held(whole, operations)
	}
	return t.verdict("there was only one attempt of one operation")
}

func checkKeys(t *tally, op saga.Operation, as []*history.Attempt, owner map[string]*history.Event) {
	first := as[0].Sent
	for _, a := range as {
		switch other := owner[a.Sent.Key]; {
		case a.Sent.Key == "":
			t.violate(whole, op, []*history.Event{a.Sent}, "broke the use of idempotency keys: attempt %d of %s has none", a.N, op)
			return
		case a.Sent.Key != first.Key:
			t.violate(whole, op, []*history.Event{first, a.Sent}, "broke the use of idempotency keys: %s came with %q, and attempt %d with %q", op, first.Key, a.N, a.Sent.Key)
			return
		case other == nil:
			owner[a.Sent.Key] = a.Sent
		case other.Operation() != op:
			t.violate(whole, op, []*history.Event{other, a.Sent}, "broke the use of idempotency keys: %s and %s share %q", other.Operation(), op, a.Sent.Key)
			return
		}
	}
}
