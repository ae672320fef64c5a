package history

import (
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

// outcome is the end of an attempt that is answered later: the first callback that tells of
// its effect, or of the one that it repeats, and that the orchestrator surely took; else an end
// of which nobody can say what was learnt from it.
func (s *SagaRecord) outcome(a *Attempt) *Event {
	if a.Ended == nil {
		return nil
	}
	end := *a.Ended
	for _, e := range s.Callbacks {
		if saga.Classify(e.Code) == saga.Done && slices.ContainsFunc(a.Answered, func(x *Event) bool { return slices.Contains(e.Told, x.Ref) }) {
			end.Seq, end.At, end.Kind = e.Seq, e.At, CallBack
			end.Code, end.Partial, end.Certain, end.Passed, end.Acked = 200, false, true, e.Passed, e.At
			return &end
		}
	}
	if end.Code != 0 {
		end.Code, end.Partial, end.Certain, end.Down = 0, false, false, max(end.Down, 1)
	}
	return &end
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
