package mutation

import (
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// heldBackWhileClosed lets a call wait as if its breaker had opened: one failure too
// early, at failures that were not in a row, or for refusals.
func heldBackWhileClosed(ix *history.Index, yield func(string, *edit) bool) {
	if disturbed(ix) || refusing(ix) {
		return
	}
	near := nearBy(ix)
	for _, calls := range behindBreakers(ix) {
		open := calls[0].of.Call.Breaker.Open()
		for _, i := range miscounts(calls, near) {
			by, next := calls[i], calls[i+1]
			until := by.Ended.At + open
			if !failedBefore(next) || next.Sent.At > by.Ended.At+open/4 || pacers(ix, next.Sent.At+near, until-near) < 2 {
				continue
			}
			m := change(ix.History)
			for _, c := range calls[i+1:] {
				if c.Sent.At < until {
					m.holdBack(c.Sent, until+lateAtMost-next.Sent.At)
				}
			}
			if !yield(place(next.of, next.N), m.inOrder()) {
				return
			}
		}
	}
}

// miscounts are the calls at which a breaker that counts wrongly opens, while it
// is closed, that have another behind them. It ends where the order of what was learnt
// is not sure.
func miscounts(calls []breakerCall, near time.Duration) (at []int) {
	need := calls[0].of.Call.Breaker.Failures
	var row, since, all, bad int // failures in a row and since a success, all; the same and refusals
	var failed, success time.Duration
	reset, refused := false, false
	for i, c := range calls[:len(calls)-1] {
		alone := c.Ended != nil && c.Ended.Code != 0 && c.Ended.Certain && c.InTime() && (success == 0 || c.Sent.At > success+near)
		if !alone {
			return at
		}
		switch saga.Classify(c.Ended.Code) {
		case saga.Done:
			if failed > 0 && c.Sent.At < failed+near && (i == 0 || calls[i-1].of != c.of) {
				return at
			}
			row, since, bad, refused, reset, success = 0, 0, 0, false, all > 0, c.Ended.At
			continue
		case saga.Permanent:
			row, bad, refused = 0, bad+1, true
		default:
			row, since, all, bad, failed = row+1, since+1, all+1, bad+1, c.Ended.At
		}
		if since >= need {
			return at
		}
		if row == need-1 || all == need && reset || bad == need && refused {
			at = append(at, i)
		}
		if all == need {
			all = 0
		}
		if bad == need {
			bad = 0
		}
	}
	return at
}

// failedBefore tells whether an attempt follows one that surely failed.
func failedBefore(c breakerCall) bool {
	for _, a := range c.of.Attempts {
		if a.N == c.N-1 {
			return a.Learnt() == saga.Transient
		}
	}
	return false
}

// pacers counts the further attempts that pass through no breaker and were sent between
// two times.
func pacers(ix *history.Index, from, to time.Duration) (n int) {
	for o, w := range waits(ix) {
		if at := w[1].Sent.At; o.Call.Breaker == nil && at > from && at < to {
			n++
		}
	}
	return n
}

// longestAccept is the longest that a saga waited for its acceptance.
func longestAccept(ix *history.Index) (longest time.Duration) {
	for _, s := range ix.Sagas {
		if len(s.Submitted) > 0 && len(s.Accepted) > 0 {
			longest = max(longest, s.Accepted[0].At-s.Submitted[0].At)
		}
	}
	return longest
}

// holdBack shifts an event of a saga and all behind it in time, and the end of the cell.
func (e *edit) holdBack(sent *history.Event, d time.Duration) {
	for i := e.at(sent.Seq); i < len(e.events); i++ {
		if x := &e.events[i]; x.Saga == sent.Saga || x.Kind == history.Settled || x.Kind == history.LedgerRead {
			shift(x, d)
		}
	}
}
