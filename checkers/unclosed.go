package checkers

import (
	"slices"

	"github.com/sagacheck/sagacheck/history"
)

// Why an opportunity could not be judged: nobody knows whether an answer was read.
const (
	retryAfterUnread = "the Retry-After may not have been read"
	refusalUnread    = "the refusal may not have been read"
)

// unclosed is why no answer of a history is known to have been read, which else looks like chance.
const unclosed = "the client resets its connections, or leaves them open: whether it read an answer can't be told"

// closesNone tells whether whole answers reached the orchestrator's kernel in time, and it closed in order after none of them.
func closesNone(ix *history.Index) bool {
	whole := false
	for _, s := range ix.Sagas {
		for _, o := range s.Ops {
			for _, a := range sent(o) {
				e, limit := a.Ended, o.Call.Retry.ShortestTimeout()
				if e == nil || e.Code == 0 || e.Partial || a.Severed() || a.Pending() || !a.InTime() {
					continue
				}
				if e.Certain {
					return false
				}
				whole = whole || e.Acked > 0 && (limit == 0 || a.LearntAt()-a.Sent.At < limit/2)
			}
		}
	}
	return whole
}

// tellUnclosed says so wherever nothing could be judged since an answer may not have been read.
func (v *Verdict) tellUnclosed(ix *history.Index) {
	for i := range v.Clauses {
		c := &v.Clauses[i]
		if slices.Contains([]string{notCertain, retryAfterUnread, refusalUnread}, c.Why) && closesNone(ix) {
			c.Why += ": " + unclosed
		}
	}
}
