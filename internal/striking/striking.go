// Package striking says which faults of a plan strike an attempt, what a participant does then, and
// records that they did, and that it was over: the same for who carries plans out on sockets and
// for who does in memory.
package striking

import (
	"slices"
	"sync"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
)

// Strikes are those of the plan of one cell. It is safe for concurrent use.
type Strikes struct {
	plan  faults.Plan
	sagas []string
	rec   *history.Recorder

	mu      sync.Mutex
	hurts   map[int]bool   // faults that are on right now
	claimed map[int]string // fault → the saga that got to its point first
}

// New is for a cell with sagas, in the order of their numbers.
func New(p faults.Plan, sagas []string, r *history.Recorder) *Strikes {
	return &Strikes{plan: p, sagas: sagas, rec: r, hurts: map[int]bool{}, claimed: map[int]string{}}
}

// On lists the faults planned for an attempt at one of the phases. A fault without a saga is
// from then on that saga's.
func (s *Strikes) On(c participants.Call, phases ...saga.Phase) []int {
	var hits []int
	for i, f := range s.plan.Faults {
		if f.At.IsZero() || f.At.Ref() != c.Op.Ref() || f.At.Attempt != c.Attempt {
			continue
		}
		if slices.Contains(phases, f.At.Phase) && s.Claims(i, c.Op.Saga) {
			hits = append(hits, i)
		}
	}
	return hits
}

// Claims tells whether a fault is for a saga; the first that asks gets it.
func (s *Strikes) Claims(i int, id string) bool {
	if n := s.plan.Faults[i].Saga; n > 0 {
		return n <= len(s.sagas) && s.sagas[n-1] == id
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.claimed[i] == "" {
		s.claimed[i] = id
	}
	return s.claimed[i] == id
}

// ClaimedBy is the saga that got to the point of a fault first; empty: none did, or its plan says whose it is.
func (s *Strikes) ClaimedBy(i int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.claimed[i]
}

// Fire records that a fault acts on an attempt, or on none, with its evidence.
func (s *Strikes) Fire(i int, c participants.Call, detail string) {
	s.mu.Lock()
	s.hurts[i] = true
	s.mu.Unlock()
	s.rec.Add(history.Event{
		Kind: history.FaultFired, Fault: &i, Saga: c.Op.Saga, Step: c.Op.Step, Direction: c.Op.Direction, Part: c.Op.Part,
		Attempt: c.Attempt, Copy: c.Copy, Detail: detail,
	})
}

// Heal records the end of a fault, once for each time it fired.
func (s *Strikes) Heal(i int, op saga.Operation) {
	s.mu.Lock()
	was := s.hurts[i]
	s.hurts[i] = false
	s.mu.Unlock()
	if was {
		s.rec.Add(history.Event{Kind: history.FaultHealed, Fault: &i, Saga: op.Saga, Step: op.Step, Direction: op.Direction, Part: op.Part})
	}
}

// RefuseCopy answers a second copy of an attempt that the plan refuses for good: "nothing
// was done" must stay true, whichever of the two arrives first. nil: the plan refuses none.
func (s *Strikes) RefuseCopy(c participants.Call, m participants.Moment) *participants.Answer {
	c.Copy = 0
	for _, i := range s.On(c, m.Phase()) {
		if e := s.plan.Faults[i].Injection(0); e.Refuses() && Moment(e, m.Phase()) == m {
			return Given(e.Answer)
		}
	}
	return nil
}

// Moment is when an injection shows inside the participant.
func Moment(e faults.Injection, p saga.Phase) participants.Moment {
	switch {
	case e.Decides:
		return participants.Deciding
	case p == saga.Commit:
		return participants.Committed
	}
	return participants.Arrived
}

// Given is an answer as the participants give it; nil: none.
func Given(a *faults.Answer) *participants.Answer {
	if a == nil {
		return nil
	}
	return &participants.Answer{
		Code: a.Code, Title: a.Title, Detail: a.Detail,
		RetryAfterS: a.RetryAfterS, RetryAfterDate: a.RetryAfterDate, Hangup: a.Hangup, Garble: a.Garble,
	}
}
