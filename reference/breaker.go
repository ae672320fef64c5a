package reference

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"github.com/sagacheck/sagacheck/saga"
)

// breaker is a circuit breaker that all calls of its name share. To failsafe's
// it adds what the contract asks for: no more than Probes calls pass while it is
// half open, however quickly they end; a call that began in an earlier state
// decides nothing; and whoever is refused can wait for a change.
type breaker struct {
	defects defects
	mu      sync.Mutex
	cb      circuitbreaker.CircuitBreaker[any]
	probes  int
	passed  int // calls let through in this state
	epoch   int // counts changes of state
	changed chan struct{}
}

func newBreaker(b saga.Breaker, d defects) *breaker {
	return &breaker{
		defects: d,
		cb: circuitbreaker.NewBuilder[any]().
			WithFailureThreshold(uint(b.Failures)).
			WithSuccessThreshold(uint(b.Probes)).
			WithDelay(time.Duration(b.OpenMS) * time.Millisecond).Build(),
		probes: b.Probes, changed: make(chan struct{}),
	}
}

// during runs f and notes a change of state.
func (b *breaker) during(f func()) {
	before := b.cb.State()
	f()
	if b.cb.State() != before {
		b.epoch++
		b.passed = 0
		close(b.changed)
		b.changed = make(chan struct{})
	}
}

// exhausted: half open, and all probes have been let through.
func (b *breaker) exhausted() bool {
	return b.cb.IsHalfOpen() && b.passed >= b.probes && !b.floods()
}

func (b *breaker) floods() bool { return b.defects.on("half-open-floods") }

// acquire lets a call through, or not. done must be called with the call's
// success. A nil breaker lets everything through.
func (b *breaker) acquire() (done func(ok bool), ok bool) {
	if b == nil {
		return func(bool) {}, true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.exhausted() {
		return nil, false
	}
	b.during(func() { ok = b.cb.TryAcquirePermit() })
	ok = ok || b.cb.IsHalfOpen() && b.floods()
	if ok {
		b.passed++
	}
	epoch := b.epoch
	return func(ok bool) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch {
		case epoch != b.epoch:
		case ok:
			b.during(b.cb.RecordSuccess)
		default:
			b.during(b.cb.RecordFailure)
		}
	}, ok
}

// await waits until a call has a chance to pass.
func (b *breaker) await(ctx context.Context) error {
	for b != nil {
		b.mu.Lock()
		wait, changed := time.Duration(-1), b.changed
		switch {
		case b.cb.IsOpen():
			wait = b.cb.RemainingDelay()
		case b.exhausted():
			wait = time.Hour // until it changes
		}
		b.mu.Unlock()
		if wait <= 0 {
			break
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-changed:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return ctx.Err()
}

// breakers are the circuit breakers by name. They live as long as the executor.
type breakers struct {
	defects defects
	mu      sync.Mutex
	byName  map[string]*breaker
}

// keepBreakers bounds the breakers in memory, as long as enough are closed.
const keepBreakers = 4096

// sweep forgets the closed breakers when there are too many: they begin again,
// with no failure counted.
func (bs *breakers) sweep() {
	if len(bs.byName) >= keepBreakers {
		maps.DeleteFunc(bs.byName, func(_ string, b *breaker) bool { return b.cb.IsClosed() })
	}
}

// get finds or makes the breaker; nil gives nil. The first definition of a name
// counts.
func (bs *breakers) get(b *saga.Breaker, id string) *breaker {
	if b == nil || bs.defects.on("breaker-ignored") {
		return nil
	}
	name := b.Name
	if bs.defects.on("breaker-per-saga") {
		name += "/" + id
	}
	bs.mu.Lock()
	defer bs.mu.Unlock()
	if bs.byName == nil {
		bs.byName = map[string]*breaker{}
	}
	if bs.byName[name] == nil {
		bs.sweep()
		bs.byName[name] = newBreaker(*b, bs.defects)
	}
	return bs.byName[name]
}
