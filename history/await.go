package history

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// await puts in the place of the ends of attempts that are answered later what the
// orchestrator learnt, and when: that the service took a call says nothing of what becomes
// of it.
func (ix *Index) await() {
	for _, s := range ix.Sagas {
		for _, o := range s.Ops {
			for _, a := range o.Attempts {
				if a.pending() {
					a.arrived, a.Ended = a.Ended, s.outcome(a)
				}
			}
		}
	}
}

// pending tells that the service said to the attempt that it tells later.
func (a *Attempt) pending() bool {
	return slices.ContainsFunc(a.Answered, func(e *Event) bool { return e.Pending && e.Copy == 0 })
}

// outcome is the end of an attempt that is answered later: the first callback that tells what
// became of it, or of the one that it repeats, and that the orchestrator surely took, or else
// may have read; else an end of which nobody can say what was learnt from it.
func (s *SagaRecord) outcome(a *Attempt) *Event {
	if a.Ended == nil {
		return nil
	}
	told := func(surely bool) *Event {
		for _, e := range s.Callbacks {
			took := saga.Classify(e.Code) == saga.Done || !surely && e.Passed > 0
			if took && slices.ContainsFunc(a.Answered, func(x *Event) bool { return slices.Contains(e.Told, x.Ref) }) {
				return e
			}
		}
		return nil
	}
	surely := told(true)
	if e := cmp.Or(surely, told(false)); e != nil {
		return a.Ended.by(e, surely != nil)
	}
	end := *a.Ended
	if end.Code != 0 {
		end.Code, end.Partial, end.Certain, end.Down = 0, false, false, max(end.Down, 1)
	}
	return &end
}

// by is the end of an attempt as a callback made it.
func (e Event) by(back *Event, surely bool) *Event {
	e.Seq, e.At, e.Kind, e.Passed = back.Seq, back.At, CallBack, back.Passed
	e.Partial, e.Certain, e.Acked = false, surely, 0
	if surely {
		e.Acked = back.At
	}
	e.Code = http.StatusOK
	if back.Declined {
		e.Code = http.StatusUnprocessableEntity
	}
	return &e
}

// Pending tells that the service has taken the call, and tells by one of its own what became
// of it.
func (a *Attempt) Pending() bool { return a.arrived != nil }

// ArrivedAt is when the answer to a call that is answered later had reached the orchestrator.
func (a *Attempt) ArrivedAt() time.Duration { return a.arrived.At }

// Arrived tells whether an answer to the attempt reached the orchestrator, be it one that says
// only that the call was taken.
func (a *Attempt) Arrived() bool {
	end := a.Ended
	if a.arrived != nil {
		end = a.arrived
	}
	return end != nil && end.Code != 0
}
