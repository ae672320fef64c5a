package checkers

import (
	"github.com/sagacheck/sagacheck/history"
)

// DivergedEffect finds attempts of one operation that asked for different effects:
// an amount or a target that is drawn anew, or read anew, while the saga runs.
//
// Source: durable execution's rule that what a workflow does again must be what it did
// (replayed code must be deterministic). Evidence: call-received with the effect that it asks for. It
// cannot see what differs in a request and changes no ledger. Cost: linear.
type DivergedEffect struct{}

var _ Checker = DivergedEffect{}

// Doc documents the checker.
func (DivergedEffect) Doc() Doc {
	return Doc{
		Name:       "diverged-effect",
		Definition: "Two attempts of one operation asked for different effects.",
		Source:     "Temporal, deterministic constraints of workflow code",
		Clauses: []Clause{
			{Name: "retried", Text: "an operation that is attempted again asks for the same effect"},
			{Name: "after-crash", Text: "nor does it ask for another one after a kill of the orchestrator", Does: []string{history.Kill}},
		},
		Evidence:  "call-sent and call-received",
		Prevented: "Drawing amounts, targets and ids once, and storing them before the first attempt.",
		Blind:     "What differs between two requests and changes no ledger.",
		Cost:      "linear",
		Own:       true,
	}
}

// Check judges a history.
func (c DivergedEffect) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	ds := disturbances(h, ix)
	for _, s := range ix.Sagas {
		for _, o := range opsOf(s) {
			var before *history.Event
			for _, a := range o.Attempts {
				if len(a.Received) == 0 || a.Received[0].Effect == nil {
					continue
				}
				now := a.Received[0]
				if before != nil && before.Of == now.Of {
					clause := "retried"
					if kills(ds, before.Seq, now.Seq) > 0 {
						clause = "after-crash"
					}
					if before.Effect.Equal(*now.Effect) {
						t.held(clause, 1)
					} else {
						t.violate(clause, o.Op, []*history.Event{before, now}, "broke determinism: attempt %d of %s asked for %s, attempt %d for %s", before.Attempt, o.Op, before.Effect, now.Attempt, now.Effect)
					}
				}
				before = now
			}
		}
	}
	return t.verdict("no operation was attempted a second time")
}
