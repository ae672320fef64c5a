package telemetry

import (
	"time"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

// life is what is remembered of a saga as long as something may happen to it.
type life struct {
	accepted time.Time
	latest   time.Time
	status   saga.Status
	told     bool // its span is made
	ops      map[reference.Ref]*opLife
	marks    map[int]mark // by step
}

// opLife is what is remembered of an operation.
type opLife struct {
	intended time.Time // the attempt under way; zero: none is
	left     time.Time // the same, as it left; zero: in an earlier life, or it has not
	first    time.Time
	last     time.Time // the end of the last attempt
	told     bool      // its span is made
}

// mark is what a step adds to what is so now.
type mark struct{ unknown, deferred int }

// gauges are what is so now.
type gauges struct {
	mark
	stuck       int
	quarantined map[string]bool
	breakers    map[string]breaker
	drifts      map[string]int // by saga: at how many steps
}

func newGauges() gauges {
	return gauges{quarantined: map[string]bool{}, breakers: map[string]breaker{}, drifts: map[string]int{}}
}

// drifting is at how many steps participants hold something else.
func (g *gauges) drifting() int {
	n := 0
	for _, steps := range g.drifts {
		n += steps
	}
	return n
}

func (l *life) op(r reference.Ref) *opLife {
	o := l.ops[r]
	if o == nil {
		o = &opLife{}
		l.ops[r] = o
	}
	return o
}

// remark counts what a step adds anew.
func (g *gauges) remark(l *life, s *reference.State, step int) {
	was, is := l.marks[step], markOf(s, l.status, step)
	if is == was {
		return
	}
	g.unknown += is.unknown - was.unknown
	g.deferred += is.deferred - was.deferred
	if is == (mark{}) {
		delete(l.marks, step)
		return
	}
	l.marks[step] = is
}

// markOf: the outcome of an action is unknown until it is learnt or undone, and until the
// saga has ended, which says that it does not matter any more.
func markOf(s *reference.State, status saga.Status, step int) (m mark) {
	if s.StepState(step) == saga.StepDeferred {
		m.deferred = 1
	}
	if status.Over() {
		return m
	}
	a, u := &s.Actions[step], &s.Undos[step]
	if a.Doubtful && !a.Settled() && !u.Done() {
		m.unknown++
	}
	if u.Doubtful && !u.Settled() {
		m.unknown++
	}
	return m
}

// breaker is a circuit breaker as a record left it.
type breaker struct {
	seq       int64
	failures  int
	openUntil time.Time
}

// mostBreakers bounds the breakers that are told of: their names come from clients.
const mostBreakers = 200

func (g *gauges) breaks(name string, b breaker) {
	if known, ok := g.breakers[name]; ok && known.seq >= b.seq {
		return
	}
	if len(g.breakers) >= mostBreakers {
		for other, o := range g.breakers {
			if o.openUntil.IsZero() {
				delete(g.breakers, other)
			}
		}
	}
	g.breakers[name] = b
}

// state is 0 closed, 1 half open (the next call is a probe), 2 open.
func (b breaker) state(now time.Time) float64 {
	switch {
	case b.openUntil.IsZero():
		return 0
	case now.Before(b.openUntil):
		return 2
	}
	return 1
}
