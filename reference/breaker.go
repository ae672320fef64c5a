package reference

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"github.com/sagacheck/sagacheck/reference/store"
	"github.com/sagacheck/sagacheck/saga"
)

// breaker is a circuit breaker that all calls of its name share. To failsafe's
// it adds what the contract asks for: no more than Probes calls pass while it is
// half open, however quickly they end; a call that began in an earlier state
// decides nothing; and whoever is refused can wait for a change.
type breaker struct {
	rules    *Rules
	name     string
	settings saga.Breaker
	mu       sync.Mutex
	cb       circuitbreaker.CircuitBreaker[any]
	until    time.Time // if not zero, the open circuit ends before its time: see reopen
	seq      int64     // orders what was recorded, also in earlier lives
	passed   int       // calls let through in this state
	failures int       // in a row, while closed
	epoch    int       // counts changes of state
	changed  chan struct{}
}

func newBreaker(b saga.Breaker, r *Rules) *breaker {
	return &breaker{
		rules: r, name: b.Name, settings: b,
		cb: circuitbreaker.NewBuilder[any]().
			WithFailureThreshold(uint(b.Failures)).
			WithSuccessThreshold(uint(b.Probes)).
			WithDelay(openFor(b)).Build(),
		changed: make(chan struct{}),
	}
}

func openFor(b saga.Breaker) time.Duration { return time.Duration(b.OpenMS) * time.Millisecond }

// during runs f and notes a change of state.
func (b *breaker) during(f func()) {
	before := b.cb.State()
	f()
	if b.cb.State() != before {
		b.changes()
	}
}

func (b *breaker) changes() {
	b.epoch++
	b.passed, b.failures, b.until = 0, 0, time.Time{}
	close(b.changed)
	b.changed = make(chan struct{})
}

// exhausted: half open, and all probes have been let through.
func (b *breaker) exhausted() bool {
	return b.cb.IsHalfOpen() && !b.rules.Probe(b.settings, b.passed)
}

// Passage is what came of a call that a breaker let through, in its eyes.
type Passage int

// What may come of it.
const (
	CallFailed Passage = iota
	CallPassed
	NotCounted // as of one that did not leave
)

func passOrFail(ok bool) Passage {
	if ok {
		return CallPassed
	}
	return CallFailed
}

// closed: a nil breaker is.
func (b *breaker) closed() bool { return b == nil || b.cb.IsClosed() }

// acquire lets a call through, or not. done must be called with what came of it,
// unless the process ends. A nil breaker lets everything through.
func (b *breaker) acquire() (done func(Passage), ok bool) {
	if b == nil {
		return func(Passage) {}, true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.exhausted() {
		return nil, false
	}
	b.during(func() {
		if b.cb.IsOpen() && b.remaining() == 0 {
			b.cb.HalfOpen()
		}
		ok = b.cb.TryAcquirePermit()
	})
	ok = ok || b.cb.IsHalfOpen() // how many, is for us to count
	if ok {
		b.passed++
	}
	epoch := b.epoch
	return func(p Passage) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch {
		case epoch != b.epoch:
		case p == CallPassed:
			b.failures = 0
			b.during(b.cb.RecordSuccess)
		case p == CallFailed:
			b.failures++
			b.during(b.cb.RecordFailure)
		case b.cb.IsHalfOpen(): // its probes begin anew
			b.reopen(0)
		}
	}, ok
}

// reopen opens the circuit for a time that is not its own, but shorter.
func (b *breaker) reopen(d time.Duration) {
	b.cb.Open()
	b.changes()
	b.until = time.Now().Add(d)
}

// remaining is how long the open circuit stays so.
func (b *breaker) remaining() time.Duration {
	left := b.cb.RemainingDelay()
	if !b.until.IsZero() {
		left = max(0, min(left, time.Until(b.until)))
	}
	return left
}

// await waits until a call has a chance to pass.
func (b *breaker) await(ctx context.Context) error {
	for b != nil {
		b.mu.Lock()
		wait, changed := time.Duration(-1), b.changed
		switch {
		case b.cb.IsOpen():
			wait = b.remaining()
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

// breakerState is a breaker as it is stored, with what came of a call that it let
// through.
type breakerState struct {
	Name      string       `json:"name"`
	Seq       int64        `json:"seq"`
	Settings  saga.Breaker `json:"settings"`
	Failures  int          `json:"failures,omitempty"` // in a row, while closed
	OpenUntil time.Time    `json:"open_until,omitzero"`
}

// snapshot is the state to store; nil for a nil breaker.
func (b *breaker) snapshot(now time.Time) *breakerState {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seq = max(b.seq+1, now.UnixNano()) // also later than what a breaker of this name that was forgotten left
	s := &breakerState{Name: b.name, Seq: b.seq, Settings: b.settings}
	switch {
	case b.cb.IsClosed():
		s.Failures = b.failures
	case b.cb.IsOpen():
		s.OpenUntil = now.Add(b.remaining())
	default: // half open: its probes begin anew
		s.OpenUntil = now
	}
	return s
}

// encode is the state as it is stored. As of a new breaker, there is nothing to remember.
func (s *breakerState) encode() (store.Breaker, error) {
	if s.Failures == 0 && s.OpenUntil.IsZero() {
		return store.Breaker{Name: s.Name, Seq: s.Seq}, nil
	}
	text, err := json.Marshal(s)
	return store.Breaker{Name: s.Name, Seq: s.Seq, State: string(text)}, err
}

// decodeBreakers reads stored breakers; one that can't be read begins anew.
func decodeBreakers(list []string) (states []breakerState) {
	for _, text := range list {
		var b breakerState
		if err := json.Unmarshal([]byte(text), &b); err == nil && b.Settings.Probes > 0 && b.Settings.Failures > 0 {
			states = append(states, b)
		}
	}
	return states
}

// restore is the breaker as an earlier life left it.
func (s breakerState) restore(now time.Time, r *Rules) *breaker {
	b := newBreaker(s.Settings, r)
	b.name, b.seq = s.Name, s.Seq
	if !s.OpenUntil.IsZero() {
		b.reopen(min(max(0, s.OpenUntil.Sub(now)), openFor(s.Settings)))
		return b
	}
	for range min(s.Failures, s.Settings.Failures-1) {
		b.failures++
		b.cb.RecordFailure()
	}
	return b
}
