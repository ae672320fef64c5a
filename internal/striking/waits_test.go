package striking_test

import (
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/internal/striking"
	"github.com/sagacheck/sagacheck/saga"
)

// TestWaits: the wait before an attempt counts from the end of the one before it, and of that alone; a wait is struck well
// within it.
func TestWaits(t *testing.T) {
	var w striking.Waits
	charge, ship := saga.Operation{Saga: "s1", Step: "charge"}, saga.Operation{Saga: "s1", Step: "ship"}
	now := time.Now()
	w.Ended(charge, now)
	if d := w.Before(ship, now.Add(time.Second)); d != 0 {
		t.Errorf("a first attempt came %v after none", d)
	}
	if d := w.Before(charge, now.Add(-time.Second)); d <= 0 {
		t.Errorf("an attempt that was seen late passes for the first one (%v)", d)
	}
	if d := striking.Into(saga.Operation{Saga: "s1", Step: saga.SubmitStep}, 0); d != 0 {
		t.Errorf("who was started is struck %v after the answer: he may have gone on by then", d)
	}
	for wait, want := range map[time.Duration]time.Duration{0: 10 * time.Millisecond, time.Millisecond: 5 * time.Millisecond, 3 * time.Second: time.Second} {
		if wait > 0 {
			wait = w.Before(charge, now.Add(wait))
		}
		if got := striking.Into(charge, wait); got != want {
			t.Errorf("after a wait of %v the next one is struck after %v: expected %v", wait, got, want)
		}
	}
}
