package mutation

import (
	"cmp"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// breakerCall is an attempt behind a breaker.
type breakerCall struct {
	*history.Attempt
	of *history.OpRecord
}

// opening is a time in which a breaker surely was open: from the failure that
// completed as many in a row as its policy says. The machine was not late by a good
// part of the open time.
type opening struct {
	by    breakerCall
	since time.Duration
	until time.Duration
	later []breakerCall // the calls that came after it, in order
}

// openings yields where each breaker surely opened for the first time: the last calls
// that had ended by then all failed, with an answer, and none was under way beside them
// that did not, nor shortly before, so that it does not matter in which order the
// orchestrator learnt it.
func openings(ix *history.Index) func(func(opening) bool) {
	return func(yield func(opening) bool) {
		if disturbed(ix) || refusing(ix) {
			return
		}
		near := nearBy(ix)
		for _, calls := range behindBreakers(ix) {
			if o, ok := firstOpening(calls, near); ok && near < calls[0].of.Call.Breaker.Open()/2 && !yield(o) {
				return
			}
		}
	}
}

// nearBy is how near to each other two calls must have been for their order not to be
// sure.
func nearBy(ix *history.Index) time.Duration {
	return 3 * max(12*time.Millisecond, ix.Lag+2*time.Millisecond, longestAccept(ix))
}

// behindBreakers are the calls behind each breaker, in the order in which they were
// sent.
func behindBreakers(ix *history.Index) [][]breakerCall {
	behind := map[string][]breakerCall{}
	for _, o := range each(ix) {
		for _, a := range o.Attempts {
			if b := o.Call.Breaker; b != nil && a.Sent != nil {
				behind[b.Name] = append(behind[b.Name], breakerCall{a, o})
			}
		}
	}
	var all [][]breakerCall
	for _, name := range sortedKeys(behind) {
		calls := behind[name]
		slices.SortFunc(calls, func(a, b breakerCall) int { return cmp.Compare(a.Sent.Seq, b.Sent.Seq) })
		all = append(all, calls)
	}
	return all
}

func firstOpening(calls []breakerCall, near time.Duration) (o opening, ok bool) {
	policy := calls[0].of.Call.Breaker
	ended := slices.DeleteFunc(slices.Clone(calls), func(c breakerCall) bool { return c.Ended == nil })
	slices.SortFunc(ended, func(a, b breakerCall) int { return cmp.Compare(a.Ended.Seq, b.Ended.Seq) })
	for i := policy.Failures - 1; i < len(ended); i++ {
		row := ended[i-policy.Failures+1 : i+1]
		if slices.ContainsFunc(row, succeeded) || besideSuccess(calls, row, near) {
			continue
		}
		o.by = ended[i]
		o.since = o.by.Ended.At
		o.until = o.since + policy.Open()
		o.later = slices.DeleteFunc(slices.Clone(calls), func(c breakerCall) bool { return c.Sent.Seq < o.by.Ended.Seq })
		return o, true
	}
	return o, false
}

// succeeded tells that a call did not surely fail by its answer.
func succeeded(c breakerCall) bool {
	return c.Ended == nil || c.Learnt() != saga.Transient || c.Ended.Code == 0 || !c.Ended.Certain || !c.InTime()
}

// besideSuccess tells whether a call that did not surely fail was under way beside one
// of a row, or ended shortly before it.
func besideSuccess(calls, row []breakerCall, near time.Duration) bool {
	return slices.ContainsFunc(calls, func(c breakerCall) bool {
		return succeeded(c) && slices.ContainsFunc(row, func(r breakerCall) bool {
			return c.Sent.Seq < r.Ended.Seq && (c.Ended == nil || c.Ended.At+near > r.Sent.At)
		})
	})
}

// calledWhileOpen takes the time away in which an operation waited for the breaker
// that its own failure had opened.
func calledWhileOpen(ix *history.Index, yield func(string, *edit) bool) {
	for o := range openings(ix) {
		if len(o.later) == 0 || o.later[0].of != o.by.of || o.later[0].N != o.by.N+1 || o.later[0].Sent.At < o.until-lateAtMost {
			continue
		}
		if !yield(place(o.by.of, o.by.N+1), change(ix.History).closeUp(o.by.Ended, o.later[0].Sent)) {
			return
		}
	}
}

// calledAfterProbe takes the time away in which the breaker was open once more, since
// its one probe had failed.
func calledAfterProbe(ix *history.Index, yield func(string, *edit) bool) {
	for o := range openings(ix) {
		i := o.probe()
		if i < 0 || i+1 >= len(o.later) || succeeded(o.later[i]) {
			continue
		}
		probe, next := o.later[i], o.later[i+1]
		if next.Sent.At-probe.Ended.At < o.until-o.since-lateAtMost {
			continue
		}
		if !yield(place(next.of, next.N), change(ix.History).closeUp(probe.Ended, next.Sent)) {
			return
		}
	}
}

// lateAtMost is how much later than the orchestrator the wire notes the end of a call.
const lateAtMost = 25 * time.Millisecond

// probe is where the one probe of a half-open breaker is among the calls that came
// later; -1: there is none, or it lets several through.
func (o opening) probe() int {
	if o.by.of.Call.Breaker.Probes != 1 {
		return -1
	}
	return slices.IndexFunc(o.later, func(c breakerCall) bool { return c.Sent.At >= o.until-lateAtMost })
}

// otherWhileOpen lets another operation than the one that opened the breaker pass when
// half of the open time is over.
func otherWhileOpen(ix *history.Index, yield func(string, *edit) bool) {
	for o := range openings(ix) {
		other, ok := otherBehind(ix, o.by)
		if !ok {
			continue
		}
		call := attempt(other.Attempt, other.of.Op, other.N+1, 503, nil)
		if !yield(place(other.of, other.N+1), change(ix.History).during(o.since+(o.until-o.since)/2, call...)) {
			return
		}
	}
}

// probedTwice lets a second call pass beside each probe of a half-open breaker that
// lets one through.
func probedTwice(ix *history.Index, yield func(string, *edit) bool) {
	for o := range openings(ix) {
		i := o.probe()
		if i < 0 {
			continue
		}
		probe := o.later[i]
		other, ok := otherBehind(ix, probe)
		if !ok || probe.Ended == nil {
			continue
		}
		call := attempt(other.Attempt, other.of.Op, other.N+1, 503, nil)
		if !yield(place(other.of, other.N+1), change(ix.History).after(probe.Sent.Seq, call...)) {
			return
		}
	}
}

// otherBehind is the last attempt of another operation behind the same breaker as a
// call's; not ok: there is none.
func otherBehind(ix *history.Index, c breakerCall) (other breakerCall, ok bool) {
	for _, o := range each(ix) {
		if b := o.Call.Breaker; b == nil || b.Name != c.of.Call.Breaker.Name || o.Op == c.of.Op {
			continue
		}
		if a := lastSent(o); a != nil {
			return breakerCall{a, o}, true
		}
	}
	return other, false
}
