package history

import (
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// doubt marks the attempts whose answer may have come after their time-out. That
// runs since the orchestrator began, and the wire sees the beginning later: on an
// overloaded machine, much later. So what counts is the time on the wire and how
// late things were elsewhere in the cell: three times the longest that an attempt
// without a fault took from the wire to its participant, or that the harness was
// late itself, or the longest that the orchestrator took from one thing to the next.
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
	late := time.Duration(0)
	for _, s := range ix.Sagas {
		late = max(late, s.slowness())
		for o, a := range s.sent {
			if len(a.Received) > 0 && !faulty[attemptID{o.Op, a.N}] {
				ix.Lag = max(ix.Lag, a.Received[0].At-a.Sent.At)
			}
		}
	}
	late = max(late, 3*ix.Lag)
	for _, s := range ix.Sagas {
		for o, a := range s.sent {
			limit := o.Call.Retry.AttemptTimeout()
			a.doubtful = limit > 0 && a.Ended != nil && a.Ended.At-a.Sent.At+late >= limit
		}
	}
}

type attemptID struct {
	op saga.Operation
	n  int
}

// sent yields the attempts that the orchestrator sent.
func (s *SagaRecord) sent(yield func(*OpRecord, *Attempt) bool) {
	for _, o := range s.Ops {
		for _, a := range o.Attempts {
			if a.Sent != nil && !yield(o, a) {
				return
			}
		}
	}
}

// slowness is the longest that the orchestrator took from the answers of the
// steps before another one to the first attempt of that. Breakers may hold a step
// up, so their calls do not count.
func (s *SagaRecord) slowness() time.Duration {
	longest := time.Duration(0)
	for i, step := range s.Definition.Steps {
		o := s.Op(step.Name, saga.Action)
		if o == nil || o.Attempts[0].Sent == nil || step.Action.Breaker != nil {
			continue
		}
		began, done := o.Attempts[0].Sent, time.Duration(-1)
		for _, name := range s.Definition.Predecessors(i) {
			if at, ok := s.Op(name, saga.Action).answeredWell(); ok {
				done = max(done, at)
			}
		}
		if done >= 0 && began.At > done {
			longest = max(longest, began.At-done)
		}
	}
	return longest
}

// answeredWell is when the operation was answered with 2xx for the first time.
func (o *OpRecord) answeredWell() (at time.Duration, ok bool) {
	if o == nil {
		return 0, false
	}
	for _, a := range o.Attempts {
		for _, e := range a.Answered {
			if e.Copy == 0 && saga.Classify(e.Code) == saga.Done {
				return e.At, true
			}
		}
	}
	return 0, false
}
