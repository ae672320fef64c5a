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
		Clauses: []Clause{
			{Name: "present", Text: "every attempt of an operation carries a key"},
			{Name: "same-again", Text: "an operation that is attempted again carries the same key"},
			{Name: "same-after-crash", Text: "so does one that is attempted again after a kill of the orchestrator", Does: []string{history.Kill}},
			{Name: "own-direction", Text: "the action and the compensation of a step have keys of their own", Wants: []Trait{compensations}},
			{Name: "own-step", Text: "two steps of a saga have keys of their own", Wants: []Trait{manySteps}},
			{Name: "own-saga", Text: "so do two sagas of a cell", Wants: []Trait{manySagas}},
		},
		Evidence:  "the keys in call-sent",
		Prevented: "Deriving the key from saga, step, item and direction alone, and from nothing that changes between attempts.",
		Blind:     "Keys shared with operations outside of the cell.",
		Cost:      "linear",
		Needs:     []string{"idempotency-key"},
	}
}

// Check judges a history.
func (c KeyMisuse) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	ds := disturbances(h, ix)
	owners := keyOwners{first: map[string]*history.Event{}, ops: map[string][]saga.Operation{}}
	for _, s := range singleSagas(h, ix) {
		for _, o := range allOpsOf(s) {
			as := sent(o)
			if len(as) == 0 || h.SameKey(o.Op) && !hasKeys(t, o.Op, as) {
				continue
			}
			if h.SameKey(o.Op) {
				sameKeys(t, h, ds, o.Op, as)
			}
			owners.own(t, h, as)
		}
	}
	return t.verdict("no call was sent")
}

// hasKeys tells whether all attempts of an operation carry a key.
func hasKeys(t *tally, op saga.Operation, as []*history.Attempt) bool {
	for _, a := range as {
		if a.Sent.Key == "" {
			t.violate("present", op, []*history.Event{a.Sent}, "broke the use of idempotency keys: attempt %d of %s has none", a.N, op)
			return false
		}
	}
	t.held("present", 1)
	return true
}

// sameKeys compares each attempt of an operation with the one before it. What asks for another
// effect after a refusal is another request, and has to have a key of its own.
func sameKeys(t *tally, h *history.History, ds []disturbance, op saga.Operation, as []*history.Attempt) {
	kept := map[string]bool{}
	for i := 1; i < len(as); i++ {
		before, again := as[i-1].Sent, as[i].Sent
		clause := "same-again"
		if kills(ds, before.Seq, again.Seq) > 0 {
			clause = "same-after-crash"
		}
		if refused, _ := h.Refused(op, as[i-1]); refused && asksOther(as[i-1], as[i]) {
			continue
		}
		if before.Key != again.Key {
			t.violate(clause, op, []*history.Event{before, again}, "broke the use of idempotency keys: %s came with %q, and attempt %d with %q", op, before.Key, as[i].N, again.Key)
			return
		}
		kept[clause] = true
	}
	for clause := range kept {
		t.held(clause, 1)
	}
}

// asksOther tells whether two attempts ask for different effects.
func asksOther(a, b *history.Attempt) bool {
	if len(a.Received) == 0 || len(b.Received) == 0 {
		return false
	}
	x, y := a.Received[0].Effect, b.Received[0].Effect
	return x != nil && y != nil && !x.Equal(*y)
}

// keyOwners knows which operation came first with a key, and which operations have come.
type keyOwners struct {
	first map[string]*history.Event
	ops   map[string][]saga.Operation // by saga
	all   int
	kept  int // of all, those that are promised to have keys of their own
}

// own compares the keys of an operation with those of the operations before it; one of the
// two must be promised to have keys of its own.
func (k *keyOwners) own(t *tally, h *history.History, as []*history.Attempt) {
	op := as[0].Sent.Operation()
	shared := ""
	for _, a := range as {
		other := k.first[a.Sent.Key]
		if other == nil && a.Sent.Key != "" {
			k.first[a.Sent.Key] = a.Sent
		} else if other == nil {
			continue
		} else if o := other.Operation(); o != op && (h.SameKey(o) || h.SameKey(op)) {
			shared = relation(o, op)
			t.violate(shared, op, []*history.Event{other, a.Sent}, "broke the use of idempotency keys: %s and %s share %q", o, op, a.Sent.Key)
			break
		}
	}
	for clause := range k.atRisk(h, op) {
		if clause != shared {
			t.held(clause, 1)
		}
	}
	k.ops[op.Saga] = append(k.ops[op.Saga], op)
	k.all++
	if h.SameKey(op) {
		k.kept++
	}
}

// atRisk are the clauses that an operation could break, with one that came before it.
func (k *keyOwners) atRisk(h *history.History, op saga.Operation) map[string]bool {
	risks := map[string]bool{}
	others, kept := k.all, k.kept // of other sagas
	for _, o := range k.ops[op.Saga] {
		others--
		if h.SameKey(o) {
			kept--
		}
		if h.SameKey(o) || h.SameKey(op) {
			risks[relation(o, op)] = true
		}
	}
	if kept > 0 || others > 0 && h.SameKey(op) {
		risks["own-saga"] = true
	}
	return risks
}

// relation is the clause that two operations with one key would break.
func relation(a, b saga.Operation) string {
	switch {
	case a.Saga != b.Saga:
		return "own-saga"
	case a.Step != b.Step:
		return "own-step"
	}
	return "own-direction"
}
