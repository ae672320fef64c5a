package harness

import (
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// inRounds are sagas of one step in three rounds of two attempts, between which much time passes.
func inRounds() []saga.Definition {
	retry := saga.RetryPolicy{MaxAttempts: 2, InitialIntervalMS: 1, Multiplier: 1, MaxIntervalMS: 1, Rounds: 3, RoundDelayMS: 500}
	return []saga.Definition{{ID: "s1", Steps: []saga.Step{{Name: "pay", Kind: saga.Compensatable, Action: saga.Call{Retry: retry}}}}}
}

func paying(k history.Kind, attempt, code int, at time.Duration) history.Event {
	return history.Event{Kind: k, Saga: "s1", Step: "pay", Direction: saga.Action, Attempt: attempt, Code: code, At: at}
}

// The wait between two rounds may be longer than those in them.
func TestWaitBetweenRounds(t *testing.T) {
	for n := 1; n <= 4; n++ { // one may have been counted that was not seen
		w := newWaits(inRounds(), false)
		e := paying(history.CallSent, n, 0, 0)
		w.add(&e)
		if open := w.open(500 * time.Millisecond); len(open) != 1 {
			t.Errorf("after attempt %d: open is %v", n, open)
		}
	}
	r := cellRun{h: &Harness{}, defs: inRounds()}
	if got := r.quiet(); got < 500*time.Millisecond {
		t.Errorf("all is over when nothing has moved for %v", got)
	}
}

// A question is what a round waits for if it is the first since something came of a step that is not
// settled. What is asked again and again does not keep a cell from being silent.
func TestQuestionsThatCount(t *testing.T) {
	w := newWaits(inRounds(), false)
	for i, c := range []struct {
		e      history.Event
		counts bool
	}{
		{paying(history.CallRead, 0, 404, 0), false}, // nothing was called
		{paying(history.CallSent, 1, 0, 0), true},
		{paying(history.CallSent, 2, 0, 0), true},
		{paying(history.CallEnded, 2, 0, 0), true},
		{paying(history.CallRead, 0, 404, 0), true},
		{paying(history.CallRead, 0, 404, 0), false},
		{paying(history.CallSent, 3, 0, 0), true},
		{paying(history.CallRead, 0, 200, 0), true},
		{paying(history.CallEnded, 3, 201, 0), true},
		{paying(history.CallRead, 0, 200, 0), false},
		{history.Event{Kind: history.CallRead, Saga: "s1", Step: "pay", Direction: saga.Action, Request: &history.Message{}}, true}, // on the wire of a workflow
	} {
		c.e.At = time.Duration(i+1) * time.Second
		w.add(&c.e)
		if (w.last == c.e.At) != c.counts {
			t.Errorf("%d: %s: last is %v", i, c.e.Kind, w.last)
		}
	}
}
