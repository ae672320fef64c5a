package checkers

import "github.com/sagacheck/sagacheck/history"

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
		Clauses:    []Clause{{Name: whole, Text: "TODO"}},
		Evidence:   "saga-accepted, saga-status and saga-unknown. At risk: accepted sagas that were asked for afterwards.",
		Blind:      "A saga that is known but never executed (see stuck-saga), and one that was never asked for.",
		Cost:       "linear",
	}
}

// Check judges a history.
func (c LostSaga) Check(_ *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	for _, s := range ix.Sagas {
		if len(s.Accepted) == 0 {
			continue
		}
		yes, asked := s.Accepted[0], false
		for _, r := range s.Reports {
			if r.Seq < yes.Seq {
				continue
			}
			asked = true
			if r.Kind == history.SagaUnknown {
				t.violate(whole, action(s, ""), []*history.Event{yes, r}, "broke durability: saga %s was accepted, and later the orchestrator did not know it", s.ID)
				break
			}
		}
		if asked {
			t.held(whole, 1)
		}
	}
	return t.verdict("no accepted saga was asked for")
}
