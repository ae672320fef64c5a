package checkers

import (
	"cmp"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/models"
)

// NotLinearizable finds accounts, stocks, registers, idempotent endpoints and
// sagas whose history no order of the operations explains under its model in
// package models.
//
// Source: Herlihy & Wing, "Linearizability: a correctness condition for
// concurrent objects", TOPLAS 1990; the search is porcupine's. Evidence: all
// events of calls at the participants, the reports of sagas, the ledgers.
// Endpoints are judged only where the participants promise idempotency (keyed,
// fenced). It cannot see what is legal for each object alone and wrong for the
// saga, nor a second effect under a new key. Cost: linear where nothing
// overlaps; exponential at worst in the operations that do, so two seconds a
// partition and ten in all, then inconclusive.
type NotLinearizable struct{}

var _ Checker = NotLinearizable{}

// searchTime bounds the search in one history, all partitions together.
const searchTime = 10 * time.Second

// Doc documents the checker.
func (NotLinearizable) Doc() Doc {
	return Doc{
		Name:       "not-linearizable",
		Definition: "The history of an account, a stock, a register, an idempotent endpoint or a saga's status has no linearization under its model.",
		Source:     "Herlihy & Wing, Linearizability, TOPLAS 1990; searched by porcupine",
		Clauses: []Clause{
			{Name: "accounts", Text: "an account of money is what the effects on it sum to, at each read", Wants: []Trait{currencies}, Inside: true},
			{Name: "stocks", Text: "so is a stock, an account in pieces", Wants: []Trait{pieces}, Inside: true},
			{Name: "registers", Text: "each write of a register finds, and each read shows, what the write before it left", Wants: []Trait{registerWrites}, Inside: true},
			{Name: "endpoints", Text: "an endpoint that promises idempotency (keyed and fenced participants) has one effect a key, acknowledges nothing that it did not do, and acknowledges alike", Inside: true},
			{Name: "lifecycles", Text: "the reports on a saga are those of one lifecycle: known once it is accepted, forward, then perhaps back, then ended for good"},
		},
		Evidence:  "call-received, call-committed, call-answered; saga-submitted, saga-accepted, saga-status, saga-unknown; ledger-read. An opportunity is an account with effects and a read, a register likewise or with two writes, an endpoint that got a key twice or both directions, a saga with two or more reports (the 202 counts)",
		Prevented: "One transaction around reading and changing a balance, a register or a key; for the status of a saga, one that is derived from what is stored of its steps.",
		Blind:     "What is legal for each object alone: a second effect under a new key, money that went astray in balance. Endpoints of naive participants, which promise nothing.",
		Cost:      "linear where nothing overlaps, else exponential at worst: 2 s a partition, 10 s a history, 10 calls of unknown outcome and 4096 that overlap, beyond that inconclusive",
		Said:      true,
	}
}

// Check judges a history.
func (c NotLinearizable) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	if p := h.Header.Profile; p != "keyed" && p != "fenced" {
		t.lacks("endpoints", "%s participants promise no idempotency", cmp.Or(p, "these"))
	}
	lim := models.DefaultLimits()
	each, end := lim.Time, time.Now().Add(searchTime)
	for _, p := range models.Partitions(ix) {
		lim.Time = min(each, time.Until(end))
		clause := string(p.Kind) + "s"
		switch r := p.Check(lim); r.Verdict {
		case porcupine.Illegal:
			var events []*history.Event
			for _, seq := range r.Events {
				events = append(events, &h.Events[seq-1])
			}
			t.violate(clause, r.Operation(), events, "%s", r.Broken)
		case porcupine.Unknown:
			t.unknown(clause, "%s: %s", p, r.Reason)
		default:
			if p.AtRisk {
				t.held(clause, 1)
			}
		}
	}
	return t.verdict("no object had operations that could contradict each other")
}
