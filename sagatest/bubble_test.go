package sagatest_test

import (
	"context"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/sagatest"
)

// opened is the saga of store_test.go on a store that a goroutine serves, as one serves that of a
// database; end is given what ends it.
func opened(end func(t testing.TB, done chan struct{})) sagatest.Saga {
	s := transfers(false)
	was := s.Open
	s.Open = func(t testing.TB) sagatest.Start {
		done := make(chan struct{})
		go func() { <-done }()
		end(t, done)
		return was(t)
	}
	return s
}

// What Open was given closes the store.
func TestStoreIsClosed(t *testing.T) {
	sagatest.Explore(t, opened(func(t testing.TB, done chan struct{}) { t.Cleanup(func() { close(done) }) }))
}

// A goroutine that is left is told, with what to do about it.
func TestLeftGoroutineIsTold(t *testing.T) {
	out := explored(t, opened(func(testing.TB, chan struct{}) {}), "")
	expect(t, out, "sagatest: a run without faults: it left a goroutine behind: expected each to end when the context of Start does", "[chan receive (durable)", "sagatest/bubble_test.go")
}

// started is the saga of example_test.go, and what its code does besides.
func started(besides func(ctx context.Context)) sagatest.Saga {
	s := orders(true)
	was := s.Start
	s.Start = func(ctx context.Context, client *http.Client, in sagatest.Input) error {
		besides(ctx)
		return was(ctx, client, in)
	}
	return s
}

// What ends some time after its context is waited for.
func TestLateGoroutineEnds(t *testing.T) {
	sagatest.Explore(t, started(func(ctx context.Context) {
		go func() {
			<-ctx.Done()
			time.Sleep(time.Minute)
		}()
	}))
}

// Code that never returns is told.
func TestEndlessCodeIsTold(t *testing.T) {
	out := explored(t, started(func(context.Context) {
		for {
			time.Sleep(time.Second)
		}
	}), "")
	expect(t, out, "sagatest: a run without faults: it left a goroutine behind", "[sleep (durable), synctest bubble", "sagatest/bubble_test.go")
}

// outside was made outside any bubble.
var outside = make(chan struct{})

// A plan whose clock stands is named, where the test would wait to its time-out.
func TestStandingClockIsTold(t *testing.T) {
	if os.Getenv(asChild) != "" {
		sagatest.Stand(time.Second)
	}
	out := explored(t, started(func(context.Context) { <-outside }), "")
	expect(t, out, "panic: sagatest: TestStandingClockIsTold, plan no fault: it has run for 1s, its clock stands", "[chan receive, synctest bubble")
}
