package reference

import (
	"context"
	"testing"

	"github.com/sagacheck/sagacheck/reference/store"
)

// What the tests of planted defects use, which are another package: defects import this
// one.

// NewState is the state of a saga of which nothing is known yet.
var NewState = newState

// Wants tells whether an operation is to be under way.
func (s *State) Wants(r Ref) bool { return s.wants(r) }

// TestBreaker is a circuit breaker alone.
type TestBreaker struct{ *breaker }

// NewTestBreaker makes a closed one for an operation.
func NewTestBreaker(r *Rules, o Op) TestBreaker { return TestBreaker{newBreaker(*r.Breaker(o), r)} }

// Acquire lets a call through, or not.
func (b TestBreaker) Acquire() (done func(Passage), ok bool) { return b.acquire() }

// Await waits until a call has a chance to pass.
func (b TestBreaker) Await(ctx context.Context) error { return b.await(ctx) }

// OpenFlaky opens an executor whose store fails every other commit.
func OpenFlaky(t *testing.T, file string, r *Rules) *Executor {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{DSN: file})
	if err != nil {
		t.Fatal(err)
	}
	e, err := open(t.Context(), &flakyStore{Store: s}, Options{Rules: r})
	if err != nil {
		t.Fatal(err)
	}
	return e
}
