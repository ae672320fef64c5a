package history

import (
	"math"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// An attempt's time-out runs from when the orchestrator began it, which may be long
// before its first byte: a process that gets no processor for a while stalls in
// between. So what an attempt took longer to begin than is usual in its cell may be a
// part of its time-out. Usual is the lower quartile, of first attempts and of further
// ones each: an orchestrator that always takes its time is slow, and does not stall.

// gap is how long an orchestrator took to begin an attempt when it could: since the
// saga was accepted, the steps before had succeeded, or the longest wait was over.
type gap struct {
	attempt *Attempt
	took    time.Duration
}

// stalls are how much longer than usual the orchestrator took to begin attempts. Where
// nothing tells when an attempt could begin, it has none.
func (ix *Index) stalls() map[*Attempt]time.Duration {
	gaps := map[bool][]gap{} // whether they are further attempts
	away := ix.away()
	for _, s := range ix.Sagas {
		for o, a := range s.sent {
			if ready, since, ok := ix.couldBegin(s, o, a); ok && !away.between(since, a.Sent) {
				further := a.N > 1
				gaps[further] = append(gaps[further], gap{a, max(a.Sent.At-ready, 0)})
			}
		}
	}
	stalls := map[*Attempt]time.Duration{}
	for _, gs := range gaps {
		usual := quartile(gs)
		for _, g := range gs {
			stalls[g.attempt] = max(g.took-usual, 0)
		}
	}
	return stalls
}

// quartile is the lower one.
func quartile(gs []gap) time.Duration {
	ds := make([]time.Duration, len(gs))
	for i, g := range gs {
		ds[i] = g.took
	}
	slices.Sort(ds)
	return ds[(len(ds)-1)/4]
}

// couldBegin is when an attempt could begin: when the saga was accepted, the steps before
// an action had succeeded, or the longest wait after the attempt before was over. What
// that waited for began with the event since. Not ok: it is not known, since a breaker
// or a refused connection may have held the attempt back too.
func (ix *Index) couldBegin(s *SagaRecord, o *OpRecord, a *Attempt) (at time.Duration, since *Event, ok bool) {
	switch {
	case o.Call.Breaker != nil || a.N > 1 && o.Call.RetryBudget != nil || ix.History.MayBeRefused(o.Op):
	case a.N > 1:
		at, since = o.waited(a)
	case o.Op.Direction == saga.Action:
		at, since = s.succeeded(o.Op.Step, a)
	}
	return at, since, since != nil
}

// waited is when the longest wait after the attempt before was over, and how that
// attempt began.
func (o *OpRecord) waited(a *Attempt) (time.Duration, *Event) {
	i := slices.IndexFunc(o.Attempts, func(b *Attempt) bool {
		return b.N == a.N-1 && b.Sent != nil && b.Ended != nil && b.Ended.Seq < a.Sent.Seq
	})
	if i < 0 {
		return 0, nil
	}
	before := o.Attempts[i]
	_, wait := o.Call.Retry.Band(a.N)
	for _, e := range before.Answered {
		wait = max(wait, time.Duration(e.RetryAfterMS)*time.Millisecond)
	}
	return before.LearntAt() + wait, before.Sent
}

// succeeded is when the last of the steps before one had succeeded, and how its
// attempt began; of a step that waits for none, when the saga was accepted, and in
// a later round nobody knows.
func (s *SagaRecord) succeeded(step string, a *Attempt) (at time.Duration, last *Event) {
	before := s.Definition.Predecessors(s.Definition.StepIndex(step))
	_, round := saga.RoundOf(step)
	if !s.Definition.HasRounds() {
		round = 1
	}
	if len(before) == 0 && round == 1 && len(s.Accepted) > 0 && len(s.Submitted) > 0 {
		return s.Accepted[0].At, s.Submitted[0]
	}
	for _, name := range before {
		var done *Attempt
		if p := s.Op(saga.InRound(name, round), saga.Action); p != nil {
			for _, b := range p.Attempts {
				if b.Sent != nil && b.Ended != nil && b.Ended.Seq < a.Sent.Seq && saga.Classify(b.Ended.Code) == saga.Done {
					done = b
				}
			}
		}
		if done == nil {
			return 0, nil
		}
		if last == nil || done.LearntAt() > at {
			at, last = done.LearntAt(), done.Sent
		}
	}
	return at, last
}

// absences are times, by sequence numbers, in which the orchestrator was not running
// or had no store.
type absences [][2]int

func (ix *Index) away() (away absences) {
	events := ix.History.Events
	for i := range events {
		e := &events[i]
		store := e.Fault != nil && ix.History.CutsStore(*e.Fault)
		switch {
		case e.Kind == ProcessKilled:
			away = append(away, [2]int{e.Seq, e.Seq})
		case store && e.Kind == FaultFired:
			away = append(away, [2]int{e.Seq, math.MaxInt})
		case store && e.Kind == FaultHealed:
			for i := range away {
				away[i][1] = min(away[i][1], e.Seq)
			}
		}
	}
	return away
}

func (away absences) between(from, to *Event) bool {
	return slices.ContainsFunc(away, func(a [2]int) bool { return a[0] <= to.Seq && a[1] >= from.Seq })
}
