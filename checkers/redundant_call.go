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
		Clauses: []Clause{
			{Name: "action", Text: "an action is not sent again once the orchestrator surely learnt that it was done"},
			{Name: "compensation", Text: "nor is a compensation", Wants: []Trait{compensations}},
		},
		Evidence:  "call-sent, call-ended and call-committed",
		Prevented: "Storing an answer before anything else is decided, and deciding from the store.",
		Blind:     "Calls after a kill, a pause or a store outage; calls with an effect (see duplicate-effect).",
		Cost:      "linear",
		Advice:    true,
	}
}

// Check judges a history.
func (c RedundantCall) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	ds := disturbances(h, ix)
	for _, s := range singleSagas(h, ix) {
		for _, o := range opsOf(s) {
			done := o.Learnt(saga.Done)
			if done == nil {
				continue
			}
			again, blind := c.again(ds, o, done.Ended)
			switch clause := string(o.Op.Direction); {
			case again != nil:
				t.violate(clause, o.Op, []*history.Event{done.Ended, again.Sent}, "advice: %s was sent again after its success had been acknowledged", o.Op)
			case blind:
				t.unjudgeable(clause, "the orchestrator was killed, paused or without its store, or the next attempt was noted late")
			default:
				t.held(clause, 1)
			}
		}
	}
	return t.verdict("no success was surely acknowledged")
}

// again finds the first attempt that was sent in vain after the success was learnt.
// blind: there is one, but what was learnt may have been lost before it, or it may have
// left before that.
func (RedundantCall) again(ds []disturbance, o *history.OpRecord, done *history.Event) (again *history.Attempt, blind bool) {
	for _, a := range sent(o) {
		switch {
		case a.Sent.Seq < done.Seq || len(a.Committed) > 0:
		case notedLate(a.Sent, done.At), disturbed(ds, done.Seq, a.Sent.Seq):
			blind = true
		default:
			return a, false
		}
	}
	return nil, blind
}
