package defects

import (
	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

// breakerDefects open a circuit breaker too early: what is held back then would have
// been answered.
var breakerDefects = []Defect{
	{
		Name: "breaker-opens-early", Anomaly: "breaker-violation", Needs: "one failure in a row fewer than opens the breaker",
		Description: "a breaker opens one failure too early",
		lay:         breakerOpensEarly,
	},
	{
		Name: "breaker-adds-up", Anomaly: "breaker-violation", Needs: "as many failures as open the breaker, with a success between them",
		Description: "a success does not begin a new row of failures",
		lay:         breakerAddsUp,
	},
	{
		Name: "refusals-open-breaker", Anomaly: "breaker-violation", Needs: "failures and refusals, together as many as open the breaker",
		Description: "a refusal for good counts as a failure of the service",
		lay:         refusalsOpenBreaker,
	},
}

// changed is what an operation has, if anything, with a change to it.
func changed[T any](was func(op) *T, f func(o op, own *T)) func(op) *T {
	return func(o op) *T {
		has := was(o)
		if has == nil {
			return nil
		}
		own := *has
		f(o, &own)
		return &own
	}
}

func breakerOpensEarly(r *reference.Rules) {
	r.Breaker = changed(r.Breaker, func(_ op, b *saga.Breaker) { b.Failures = max(1, b.Failures-1) })
}

func breakerAddsUp(r *reference.Rules) {
	was := r.Passage
	r.Passage = func(a saga.Answer, closed bool) reference.Passage {
		if p := was(a, closed); p != reference.CallPassed || !closed {
			return p
		}
		return reference.NotCounted
	}
}

func refusalsOpenBreaker(r *reference.Rules) {
	was := r.Passage
	r.Passage = func(a saga.Answer, closed bool) reference.Passage {
		if a == saga.Permanent {
			return reference.CallFailed
		}
		return was(a, closed)
	}
}
