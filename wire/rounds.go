package wire

import (
	"net/http"
	"slices"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// A saga that is run forward again calls the same addresses. What it calls in a later round is another
// operation, as its header Saga-Step says; who does not say it calls that of the first round again.

// inRound is the script of the operation that a call is one of.
func (s *script) inRound(h http.Header) *script {
	name, n := saga.RoundOf(h.Get("Saga-Step"))
	if s.in == nil || !s.in.Rounds || s.world == nil || name != s.op.Step || n < 2 {
		return s
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.later[n]
	if of == nil {
		op := s.op
		op.Step = saga.InRound(name, n)
		of = &script{op: op, path: s.path, upstream: s.upstream, timeout: s.timeout, world: s.world, in: s.in}
		if s.later == nil {
			s.later = map[int]*script{}
		}
		s.later[n] = of
	}
	return of
}

// meets tells whether a window is about a step, in whatever round.
func (in *Injector) meets(f faults.Fault, step string) bool {
	name, n := saga.RoundOf(step)
	return slices.Contains(f.Steps, step) || in.Rounds && n > 1 && slices.Contains(f.Steps, name)
}
