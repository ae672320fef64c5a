package checkers

import (
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
		Clauses:    []Clause{{Name: whole, Text: "TODO"}},
		Evidence:   "call-received, and call-committed with the values that writes found, against the bodies of the calls. At risk: sagas whose calls to a register were received while another saga with such calls was under way.",
		Blind:      "A value that changed and came back in between (A-B-A). Postings on accounts commute and lose nothing.",
		Cost:       "linear, and sorting",
		Wants:      []Trait{sharedWrites},
	}
}

// Check judges a history.
func (c LostUpdate) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	for _, r := range registersOf(h, ix) {
		t.held(whole, len(r.crowded()))
		for i, w := range r.writes {
			value, by := r.before(i)
			switch {
			case w.told && w.found == w.expected:
			case by != nil && by.saga == w.saga && w.found == value:
			case !w.told && by != nil && together(by.saga, w.saga):
				t.unknown(whole, "register %q: the definition does not say which value %s expected", r.name, w.op)
			case w.found != value:
				t.unknown(whole, "register %q: no recorded write left %q, which %s found", r.name, w.found, w.op)
			case by != nil && together(by.saga, w.saga):
				t.violate(whole, w.op, []*history.Event{by.event, w.event},
					"broke isolation between sagas: %s set register %q to %q and so overwrote %q, which %s had set in between; it expected %q",
					w.op, r.name, w.left, w.found, by.op, w.expected)
			}
		}
	}
	return t.verdict("no two sagas were at one register at the same time")
}
