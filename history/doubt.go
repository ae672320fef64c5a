package history

import (
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// doubt marks the attempts whose answer may have come after their time-out. That
// runs since the orchestrator began, and the wire sees the beginning later: on an
// overloaded machine, much later. So what counts is the time from the first byte on
// the wire until the orchestrator's side had the whole answer, how much longer than
// usual it took to begin (stalls), and three times how late the machine was elsewhere
// in the cell.
//
// How late it was is told by what is not the orchestrator's to decide: timers,
// accepts and forwarding of the harness, and the way of attempts that no fault
// struck from the wire to their participant. How long an orchestrator takes from
// one thing to the next is its own affair: slow is not blind.
func (ix *Index) doubt() {
	faulty := map[attemptID]bool{}
	for _, es := range ix.Fired {
		for _, e := range es {
			faulty[attemptID{e.Operation(), e.Attempt}] = true
		}
	}
	if ix.Settled != nil {
		ix.Lag = time.Duration(ix.Settled.LagMS) * time.Millisecond
	}
	for _, s := range ix.Sagas {
		for o, a := range s.sent {
			if len(a.Received) > 0 && !faulty[attemptID{o.Op, a.N}] {
				ix.Lag = max(ix.Lag, a.Received[0].At-a.Sent.At)
			}
		}
	}
	stalls := ix.stalls()
	for _, s := range ix.Sagas {
		for o, a := range s.sent {
			limit := o.Call.Retry.ShortestTimeout()
			a.doubtful = limit > 0 && a.Ended != nil && !a.Pending() && a.LearntAt()-a.Sent.At+stalls[a]+3*ix.Lag >= limit
		}
	}
}

// Blurred tells whether what a fault did was answered, and the machine was too late for
// anybody to say whether in time, or struck a wait that was over, and would not have been without what the machine
// was late: what the fault was to show may not be seen.
func (ix *Index) Blurred() bool {
	if ix.missedWait() {
		return true
	}
	for _, s := range ix.Sagas {
		for o, a := range s.sent {
			if !a.doubtful || a.Ended.Code == 0 || !a.Ended.Certain || a.LearntAt()-a.Sent.At >= o.Call.Retry.ShortestTimeout() {
				continue
			}
			if ix.History.Header.Workflow != "" && a.LearntAt()-a.Sent.At+3*ix.Lag < o.Call.Retry.ShortestTimeout() {
				continue // what a workflow of the user's own waits for is not known, and comes again
			}
			for _, fired := range ix.Fired {
				if slices.ContainsFunc(fired, func(e *Event) bool { return e.Operation() == o.Op && e.Attempt == a.N }) {
					return true
				}
			}
		}
	}
	return false
}

// missedWait tells whether a fault of the wait behind an attempt struck when its saga had called on, or asked, for no longer
// than the machine was late. Such a fault names its attempt in the plan, and no call of a saga when it fires.
func (ix *Index) missedWait() bool {
	for i, f := range ix.History.Header.Faults {
		for _, fired := range ix.Fired[i] {
			if f.At.Step != "" && fired.Saga == "" && slices.ContainsFunc(ix.Sagas, func(s *SagaRecord) bool { return s.calledOn(f.At, fired, ix.Lag) }) {
				return true
			}
		}
	}
	return false
}

// calledOn tells whether something was called or asked behind an attempt that had ended, in a time before an event.
func (s *SagaRecord) calledOn(at saga.FailurePoint, event *Event, within time.Duration) bool {
	o := s.Ops[at.Ref()]
	if o == nil {
		return false
	}
	i := slices.IndexFunc(o.Attempts, func(a *Attempt) bool { return a.N == at.Attempt && a.Ended != nil })
	return i >= 0 && slices.ContainsFunc(slices.Concat(s.Calls, s.Reads), func(e *Event) bool {
		return (e.Kind == CallSent || e.Kind == CallRead) && o.Attempts[i].Ended.Seq < e.Seq && e.Seq < event.Seq && event.At-e.At <= within
	})
}

// sever marks the attempts that a kill cut short.
func (ix *Index) sever() {
	var kills []int
	for i := range ix.History.Events {
		if e := &ix.History.Events[i]; e.Kind == ProcessKilled {
			kills = append(kills, e.Seq)
		}
	}
	for _, s := range ix.Sagas {
		for _, a := range s.sent {
			over := a.Ended
			if len(a.Answered) > 0 {
				over = a.Answered[0]
			}
			a.severed = slices.ContainsFunc(kills, func(k int) bool { return a.Sent.Seq < k && (over == nil || k < over.Seq) })
		}
	}
}

type attemptID struct {
	op saga.Operation
	n  int
}

// sent yields the attempts that the orchestrator sent.
func (s *SagaRecord) sent(yield func(*OpRecord, *Attempt) bool) {
	for _, ops := range []map[saga.StepRef]*OpRecord{s.Ops, s.Repairs} {
		for _, o := range ops {
			for _, a := range o.Attempts {
				if a.Sent != nil && !yield(o, a) {
					return
				}
			}
		}
	}
}
