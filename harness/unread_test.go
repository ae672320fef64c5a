package harness

import (
	"net/http"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// An answer to a call during which the orchestrator was stopped may be one that it never reads: when it goes on its
// time-out is over, and it tries again. A deferrable step waits for that, and not for ever.
func TestAnswerWhilePaused(t *testing.T) {
	d := saga.Definition{ID: "s1", Steps: []saga.Step{{Name: "mail", Kind: saga.Deferrable}}}
	of := func(k history.Kind, ms int) history.Event {
		return history.Event{Kind: k, At: time.Duration(ms) * time.Millisecond, Saga: "s1", Step: "mail", Direction: saga.Action, Attempt: 1, Code: http.StatusCreated}
	}
	done := history.Event{Kind: history.SagaEnded, Saga: "s1", Status: saga.Completed}
	paused, resumed := history.Event{Kind: history.ProcessPaused, At: time.Millisecond + 1}, history.Event{Kind: history.ProcessResumed, At: 400 * time.Millisecond}
	for name, c := range map[string]struct {
		events []history.Event
		open   int
	}{
		"read":            {[]history.Event{done, of(history.CallSent, 1), of(history.CallEnded, 2)}, 0},
		"before a pause":  {[]history.Event{done, of(history.CallSent, 1), of(history.CallEnded, 2), paused, resumed}, 0},
		"within a pause":  {[]history.Event{done, of(history.CallSent, 1), paused, of(history.CallEnded, 2), resumed}, 1},
		"after the pause": {[]history.Event{done, of(history.CallSent, 1), paused, resumed, of(history.CallEnded, 500)}, 1},
		"sent after it":   {[]history.Event{done, paused, resumed, of(history.CallSent, 450), of(history.CallEnded, 500)}, 0},
	} {
		w := newWaits([]saga.Definition{d}, true)
		for i := range c.events {
			w.add(&c.events[i])
		}
		if open := w.open(600 * time.Millisecond); len(open) != c.open {
			t.Errorf("%s: still to come: %v, expected %d", name, open, c.open)
		}
		if open := w.open(time.Minute); len(open) > 0 {
			t.Errorf("%s: still to come after a minute: %v", name, open)
		}
	}
}
