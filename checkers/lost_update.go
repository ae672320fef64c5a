package checkers

import (
	"slices"

	"github.com/sagacheck/sagacheck/history"
)

// LostUpdate finds sagas that overwrote what another saga, under way at the same
// time, had written to a register in between, without having seen it: the value
// that the write found is not the one that its definition expected, and the
// other saga had put it there. Compensations overwrite likewise.
//
// Source: Richardson, "Microservices Patterns", ch. 4.3 (lost updates; the
// countermeasure is a semantic lock). Evidence: call-committed with the value
// that each write really found, in the order of effects; the bodies of the
// calls. Postings commute, so they lose nothing. It cannot see a value that came
// back in between (A-B-A). Cost: linear, and sorting.
type LostUpdate struct{}

var _ Checker = LostUpdate{}

// Doc documents the checker.
func (LostUpdate) Doc() Doc {
	return Doc{
		Name:       "lost-update",
		Definition: "A saga overwrote a register that another saga, under way at the same time, had written in between, without having seen that value.",
		Source:     "Richardson, Microservices Patterns, ch. 4.3: lost updates",
		Clauses: []Clause{
			{Name: "action", Text: "an action that writes a register, while another saga that has calls to it is under way, overwrites nothing that it had not expected", Inside: true},
			{Name: "compensation", Text: "so does a compensation", Inside: true},
		},
		Evidence:  "call-received, and call-committed with the values that writes found, against the bodies of the calls",
		Prevented: "Writes that say which value they expect, and are refused on another one.",
		Blind:     "A value that changed and came back in between (A-B-A). Postings on accounts commute and lose nothing.",
		Cost:      "linear, and sorting",
		Wants:     []Trait{sharedWrites},
	}
}

// Check judges a history.
func (c LostUpdate) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	for _, r := range registersOf(h, ix) {
		crowd := r.crowded()
		for i := range r.writes {
			judgeWrite(t, r, i, slices.Contains(crowd, r.writes[i].saga))
		}
	}
	return t.verdict("no two sagas were at one register at the same time")
}

// judgeWrite judges one write of a register. crowded: another saga that has calls to
// it was under way.
func judgeWrite(t *tally, r *register, i int, crowded bool) {
	w := r.writes[i]
	value, by := r.before(i)
	clause := string(w.op.Direction)
	switch {
	case w.told && w.found == w.expected, by != nil && by.saga == w.saga && w.found == value:
		if crowded {
			t.held(clause, 1)
		}
	case !w.told && by != nil && together(by.saga, w.saga):
		t.unknown(clause, "register %q: the definition does not say which value %s expected", r.name, w.op)
	case w.found != value:
		t.unknown(clause, "register %q: no recorded write left %q, which %s found", r.name, w.found, w.op)
	case by != nil && together(by.saga, w.saga):
		t.violate(clause, w.op, []*history.Event{by.event, w.event},
			"broke isolation between sagas: %s set register %q to %q and so overwrote %q, which %s had set in between; it expected %q",
			w.op, r.name, w.left, w.found, by.op, w.expected)
	}
}
