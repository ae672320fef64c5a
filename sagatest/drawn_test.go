package sagatest_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/sagatest"
)

// drawing is a saga that does not do the same each time: again tells whether it tries once more, and
// is told how often that was asked; wait is how long a run waits first.
func drawing(again func(asked int) bool, wait time.Duration) sagatest.Saga {
	asked, run := 0, 0
	s := orders(true)
	s.Start = func(ctx context.Context, client *http.Client, in sagatest.Input) error {
		run++
		time.Sleep(time.Duration(run) * wait)
		return order{client: client, id: in.ID, fixed: true, again: func() bool { asked++; return again(asked) }}.place(ctx)
	}
	return s
}

// Waits that are drawn leave time for another attempt, or do not: a plan is run until its faults
// strike.
func TestDrawnWaits(t *testing.T) {
	sagatest.Explore(t, drawing(func(asked int) bool { return asked%3 == 0 }, time.Millisecond))
}

// Where the saga does not go again, plans are left out.
func TestWayThatIsNotTakenAgain(t *testing.T) {
	sagatest.Explore(t, drawing(early, time.Millisecond))
}

// Code that draws no waits comes to each call again: a fault that does not strike it is told.
func TestFaultThatMissesIsTold(t *testing.T) {
	expect(t, explored(t, drawing(early, 0), ""), "sagatest: vacuous: a planned fault did not fire")
}

// early is more patient at first, when plans are made from what it does.
func early(asked int) bool { return asked < 5 }
