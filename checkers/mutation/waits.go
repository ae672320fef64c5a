package mutation

import (
	"slices"
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
				if a.Sent != nil && a.Ended != nil && a.Ended.Code == 0 && !struck(ix, o, a) {
					continue // nobody knows why it failed, or when
				}
				if a.Sent != nil && b.Sent != nil && a.Ended != nil && a.Ended.Seq < b.Sent.Seq && a.Learnt() == saga.Transient && !yield(o, [2]*history.Attempt{a, b}) {
					return
				}
			}
		}
	}
}

// struck tells whether a fault hit an attempt.
func struck(ix *history.Index, o *history.OpRecord, a *history.Attempt) bool {
	for _, fired := range ix.Fired {
		if slices.ContainsFunc(fired, func(e *history.Event) bool { return e.Operation() == o.Op && e.Attempt == a.N }) {
			return true
		}
	}
	return false
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
		if !yield(place(o, w[1].N), change(ix.History).delaySaga(w[1].Sent.Seq, 2*second+2*hi+2*o.Call.Retry.AttemptTimeout()+20*ix.Lag)) {
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
	sagas, n := map[string]bool{}, 0
	m := rewait(ix, func(o *history.OpRecord, lo, hi, _ time.Duration) (time.Duration, bool) {
		if hi <= lo || o.Call.Breaker != nil {
			return 0, false
		}
		sagas[o.Op.Saga], n = true, n+1
		return lo + (hi-lo)/20, true
	})
	if len(sagas) >= 8 && n >= 16 {
		yield("all sagas", m)
	}
}

// allLengthened lets every wait last longer by the upper end of its band, where there
// are enough of them in bands that the machine's lateness does not drown.
func allLengthened(ix *history.Index, yield func(string, *edit) bool) {
	wide := 0
	m := rewait(ix, func(o *history.OpRecord, lo, hi, was time.Duration) (time.Duration, bool) {
		if o.Call.Breaker != nil {
			return 0, false
		}
		if max(hi-lo, hi/2) >= 5*max(ix.Lag, 2*time.Millisecond) {
			wide++
		}
		return was + hi, true
	})
	if wide >= 12 {
		yield("all waits", m)
	}
}

// rewait gives each wait after a failure another length, and moves what follows in its
// saga with it. wait says, of a wait in a band from lo to hi that lasted so long, how
// long it lasts; not ok: as long as it did.
func rewait(ix *history.Index, wait func(o *history.OpRecord, lo, hi, was time.Duration) (is time.Duration, ok bool)) *edit {
	later := map[int]time.Duration{} // event → how much later all of its saga is from there on
	for o, w := range waits(ix) {
		lo, hi := o.Call.Retry.Band(w[1].N)
		was := w[1].Sent.At - failedAt(w[0])
		if is, ok := wait(o, lo, hi, was); ok {
			later[w[1].Sent.Seq] = is - was
		}
	}
	m := change(ix.History)
	by := map[string]time.Duration{}
	longest := time.Duration(0)
	for i := range m.events {
		x := &m.events[i]
		by[x.Saga] += later[x.Seq]
		longest = max(longest, by[x.Saga])
		if x.Kind == history.Settled || x.Kind == history.LedgerRead {
			shift(x, longest)
		} else {
			shift(x, by[x.Saga])
		}
	}
	return m.inOrder()
}

// failedAt is the earliest time at which the orchestrator can have learnt that an
// attempt failed.
func failedAt(a *history.Attempt) time.Duration {
	if at, ok := a.AnsweredAt(); ok && a.Ended.Code != 0 && a.Ended.Certain {
		return at
	}
	return a.Sent.At
}
