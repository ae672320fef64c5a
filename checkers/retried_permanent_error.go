package checkers

import (
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// RetriedPermanentError finds operations that were attempted again after the
// orchestrator had surely learnt that they were refused for good.
//
// Source: the contract: a 4xx other than 408, 409, 425 and 429 is permanent
// (RFC 9110, 15.5); DTM #545. Evidence: call-sent, call-ended. An attempt that
// left before the refusal was read is no retry, nor is one after a kill, which
// may have taken the knowledge along. Cost: linear.
type RetriedPermanentError struct{}

var _ Checker = RetriedPermanentError{}

// Doc documents the checker.
func (RetriedPermanentError) Doc() Doc {
	return Doc{
		Name:       "retried-permanent-error",
		Definition: "An operation was attempted again after a permanent rejection.",
		Source:     "the contract's classes of answers (RFC 9110, 15.5); DTM #545",
		Clauses:    []Clause{{Name: whole, Text: "TODO"}},
		Evidence:   "call-sent and call-ended. At risk: operations of which the orchestrator surely learnt a permanent rejection.",
		Blind:      "Retries after the orchestrator was killed, paused or without its store in between; rejections that it may not have read to the end.",
		Cost:       "linear",
		Needs:      []string{"permanent-errors"},
	}
}

// Check judges a history.
func (c RetriedPermanentError) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	ds := disturbances(h, ix)
	for _, s := range ix.Sagas {
		for _, o := range opsOf(s) {
			no := o.Learnt(saga.Permanent)
			if no == nil {
				continue
			}
			t.held(whole, 1)
			for _, a := range sent(o) {
				if a.N > no.N && a.Sent.Seq > no.Ended.Seq && !disturbed(ds, no.Ended.Seq, a.Sent.Seq) {
					t.violate(whole, o.Op, []*history.Event{no.Ended, a.Sent}, "broke the retry policy: %s was attempted again after it had been refused for good with %d", o.Op, no.Ended.Code)
					break
				}
			}
		}
	}
	return t.verdict("no operation was refused for good")
}
