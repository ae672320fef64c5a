package harness

import (
	"testing"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// TestLeftOfADeferrableStep: a deferrable step whose answer was lost is waited for when its saga
// has completed, until an answer arrives, or the workflow asks what there is, or is told.
func TestLeftOfADeferrableStep(t *testing.T) {
	event := func(k history.Kind, code int, told ...string) history.Event {
		return history.Event{Kind: k, Saga: "s1", Step: "mail", Direction: saga.Action, Attempt: 1, Code: code, Ref: "m-1", Told: told}
	}
	cut := event(history.CallRead, 200, "m-1")
	cut.Partial = true
	for name, c := range map[string]struct {
		last history.Event
		open int
	}{
		"lost":             {event(history.CallEnded, 0), 1},
		"arrived":          {event(history.CallEnded, 201), 0},
		"refused":          {event(history.CallEnded, 422), 0},
		"found":            {event(history.CallRead, 200, "m-1"), 0},
		"not found":        {event(history.CallRead, 200), 1},
		"found, and lost":  {event(history.CallRead, 0, "m-1"), 1},
		"found, and cut":   {cut, 1},
		"told":             {event(history.CallBack, 200, "m-1"), 0},
		"told to no avail": {event(history.CallBack, 503, "m-1"), 1},
	} {
		w := newWaits([]saga.Definition{{ID: "s1", Steps: []saga.Step{{Name: "mail", Kind: saga.Deferrable, Action: saga.Call{Retry: unknownPolicy}}}}}, true)
		ended := history.Event{Kind: history.SagaEnded, Saga: "s1", Status: saga.Completed}
		for _, e := range []history.Event{event(history.CallSent, 0), event(history.CallCommitted, 0), event(history.CallAnswered, 201), ended, c.last} {
			w.add(&e)
		}
		if open := w.open(whenever / 2); len(open) != c.open {
			t.Errorf("%s: open is %v, expected %d", name, open, c.open)
		}
	}
}
