package checkers

import (
	"sort"

	"github.com/sagacheck/sagacheck/history"
)

// LostSaga finds sagas that the orchestrator accepted and later did not know.
//
// Source: the family of n8n #4867 (executions lost when the main process
// crashes); the contract: what was answered 2xx is durable. Evidence:
// saga-accepted, saga-status, saga-unknown. It cannot see a saga that is known
// but never executed (stuck-saga does), nor one never asked for. Cost: linear.
type LostSaga struct{}

var _ Checker = LostSaga{}

// Doc documents the checker.
func (LostSaga) Doc() Doc {
	return Doc{
		Name:       "lost-saga",
		Definition: "The orchestrator accepted a saga (2xx) and later does not know it (404).",
		Source:     "the family of n8n #4867; the contract: an accepted saga is durable",
		Clauses: []Clause{
			{Name: atWork, Text: "a saga that was accepted is known while it is under way and nothing has happened"},
			{Name: afterTrouble, Text: "it is known after a fault"},
			{Name: afterKill, Text: "it is known after the orchestrator was killed and started again", Does: []string{history.Kill}},
			{Name: afterEnd, Text: "it is known after its end"},
		},
		Evidence:  "saga-accepted, saga-status, saga-unknown, process-killed and fault-fired",
		Prevented: "Storing the saga, and flushing it to the disk, before the 2xx.",
		Blind:     "A saga that is known but never executed (see stuck-saga), and one that was never asked for.",
		Cost:      "linear",
		Whole:     true,
	}
}

// The clauses: what may make an orchestrator forget a saga.
const (
	atWork       = "at-work"
	afterTrouble = "after-trouble"
	afterKill    = "after-crash"
	afterEnd     = "after-end"
)

// Check judges a history.
func (c LostSaga) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	ds := disturbances(h, ix)
	for _, s := range ix.Sagas {
		if len(s.Accepted) > 0 {
			judgeKnown(t, ix, ds, s, s.Accepted[0])
		}
	}
	return t.verdict("no accepted saga was asked for")
}

// judgeKnown judges the reports on an accepted saga: each clause is held by the
// first that came in its situation, and broken by a 404.
func judgeKnown(t *tally, ix *history.Index, ds []disturbance, s *history.SagaRecord, yes *history.Event) {
	known := map[string]bool{}
	lost := ""
	for _, r := range s.Reports {
		if r.Seq < yes.Seq {
			continue
		}
		clause := atWork
		switch {
		case kills(ds, yes.Seq, r.Seq) > 0:
			clause = afterKill
		case s.Ended != nil && s.Ended.Seq < r.Seq:
			clause = afterEnd
		case trouble(ix, yes.Seq, r.Seq):
			clause = afterTrouble
		}
		if r.Kind == history.SagaUnknown {
			lost = clause
			t.violate(clause, action(s, ""), []*history.Event{yes, r}, "broke durability: saga %s was accepted, and later the orchestrator did not know it", s.ID)
			break
		}
		known[clause] = true
	}
	for clause := range known {
		if clause != lost {
			t.held(clause, 1)
		}
	}
}

// trouble tells whether a fault fired between two events.
func trouble(ix *history.Index, from, to int) bool {
	for _, es := range ix.Fired {
		next := sort.Search(len(es), func(i int) bool { return es[i].Seq > from })
		if next < len(es) && es[next].Seq < to {
			return true
		}
	}
	return false
}
