package mutation

import (
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// waits yields pairs of attempts that follow each other after a failure.
func waits(ix *history.Index) func(func(*history.OpRecord, [2]*history.Attempt) bool) {
	return func(yield func(*history.OpRecord, [2]*history.Attempt) bool) {
		if disturbed(ix) || refusing(ix) {
			return
		}
		for s, o := range each(ix) {
			if endless(s, o) {
				continue
			}
			for i := 1; i < len(o.Attempts); i++ {
				a, b := o.Attempts[i-1], o.Attempts[i]
				if a.Sent != nil && b.Sent != nil && a.Ended != nil && a.Ended.Seq < b.Sent.Seq && a.Learnt() == saga.Transient && !yield(o, [2]*history.Attempt{a, b}) {
					return
				}
			}
		}
	}
}

func waitShortened(ix *history.Index, yield func(string, *edit) bool) {
	for o, w := range waits(ix) {
		a, b := w[0], w[1]
		lo, _ := o.Call.Retry.Band(b.N)
		told, _ := a.AnsweredAt()
		if a.Ended.Code == 0 || !a.Ended.Certain || lo < 4*time.Millisecond || a.Ended.At-told+3*time.Millisecond >= lo {
			continue // it may have been learnt at any time before, or long before the wire's end
		}
		if !yield(place(o, b.N), change(ix.History).closeUp(a.Ended, b.Sent)) {
			return
		}
	}
}

func waitLengthened(ix *history.Index, yield func(string, *edit) bool) {
	for o, w := range waits(ix) {
		_, hi := o.Call.Retry.Band(w[1].N)
		if o.Call.Breaker != nil {
			continue
		}
		if !yield(place(o, w[1].N), change(ix.History).delay(w[1].Sent.Seq, 2*second+2*hi+2*o.Call.Retry.AttemptTimeout()+20*ix.Lag)) {
			return
		}
	}
}

func retryAfterIgnored(ix *history.Index, yield func(string, *edit) bool) {
	for o, w := range waits(ix) {
		asked := 0
		for _, e := range w[0].Answered {
			asked = max(asked, e.RetryAfterMS)
		}
		if asked < 10 || !w[0].Ended.Certain {
			continue
		}
		if !yield(place(o, w[1].N), change(ix.History).closeUp(w[0].Ended, w[1].Sent)) {
			return
		}
	}
}

// herded lets all sagas wait for the same part of the band: their jitter is none.
func herded(ix *history.Index, yield func(string, *edit) bool) {
	by := map[string]map[int]time.Duration{} // saga → event → how much earlier all is from there on
	n := 0
	for o, w := range waits(ix) {
		lo, hi := o.Call.Retry.Band(w[1].N)
		if hi <= lo || o.Call.Breaker != nil {
			continue
		}
		if by[o.Op.Saga] == nil {
			by[o.Op.Saga] = map[int]time.Duration{}
		}
		by[o.Op.Saga][w[1].Sent.Seq] = w[1].Sent.At - failedAt(w[0]) - lo - (hi-lo)/20
		n++
	}
	if len(by) < 8 || n < 16 {
		return
	}
	m := change(ix.History)
	earlier := map[string]time.Duration{}
	for i := range m.events {
		x := &m.events[i]
		earlier[x.Saga] += by[x.Saga][x.Seq]
		shift(x, -earlier[x.Saga])
	}
	yield("all sagas", m.inOrder())
}

// failedAt is the earliest time at which the orchestrator can have learnt that an
// attempt failed.
func failedAt(a *history.Attempt) time.Duration {
	if at, ok := a.AnsweredAt(); ok && a.Ended.Code != 0 && a.Ended.Certain {
		return at
	}
	return a.Sent.At
}
