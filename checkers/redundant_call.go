package checkers

import (
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// RedundantCall finds operations that were sent again after the orchestrator had
// surely learnt their success, without a further effect. It is advice: the
// participants' protection made it harmless.
//
// Source: Filibuster's lint (Meiklejohn et al., SoCC 2021). Evidence: call-sent,
// call-ended, call-committed. A call after a kill, a pause or a store outage does
// not count: what was learnt may be lost. Cost: linear.
type RedundantCall struct{}

var _ Checker = RedundantCall{}

// Doc documents the checker.
func (RedundantCall) Doc() Doc {
	return Doc{
		Name:       "redundant-call",
		Definition: "An operation was sent again after its success had been acknowledged, and caused no effect.",
		Source:     "Meiklejohn et al., Service-Level Fault Injection Testing (Filibuster), SoCC 2021",
		Clauses:    []Clause{{Name: whole, Text: "TODO"}},
		Evidence:   "call-sent, call-ended and call-committed. At risk: operations whose success the orchestrator surely learnt.",
		Blind:      "Calls after a kill, a pause or a store outage; calls with an effect (see duplicate-effect).",
		Cost:       "linear",
		Advice:     true,
	}
}

// Check judges a history.
func (c RedundantCall) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	ds := disturbances(h, ix)
	for _, s := range ix.Sagas {
		for _, o := range opsOf(s) {
			done := o.Learnt(saga.Done)
			if done == nil {
				continue
			}
			t.held(whole, 1)
			for _, a := range sent(o) {
				if a.Sent.Seq > done.Ended.Seq && len(a.Committed) == 0 && !disturbed(ds, done.Ended.Seq, a.Sent.Seq) {
					t.violate(whole, o.Op, []*history.Event{done.Ended, a.Sent}, "advice: %s was sent again after its success had been acknowledged", o.Op)
					break
				}
			}
		}
	}
	return t.verdict("no success was surely acknowledged")
}
