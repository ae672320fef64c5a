package harness

import (
	"context"
	"errors"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// longestStart bounds the wait for the answer to a start, in settle times: a workflow that
// tries for ever moves for ever.
const longestStart = 4

// errNoAnswer is why a client gives a submission up.
var errNoAnswer = errors.New("no answer in time")

// patiently is the context of one submission of a saga. The client of sagas that we make waits
// for a short while. A workflow of the user's own may answer when all is done: its client waits
// while anything moves, but no longer than others where a fault has struck the call itself.
func (r *cellRun) patiently(ctx context.Context, id string) (context.Context, context.CancelFunc) {
	short := time.Duration(float64(saga.SubmitPolicy.AttemptTimeout()) * r.h.scale(r.sys))
	if r.own == nil {
		return context.WithTimeout(ctx, short)
	}
	try, cancel := context.WithCancelCause(ctx)
	go func() {
		began := time.Now()
		call := struck{id: id}
		for pause(try, submitPause) == nil {
			quiet := time.Since(r.rec.Activity().Last)
			if call.ago(r.rec) > short || quiet > r.h.Settle || time.Since(began) > longestStart*r.h.Settle {
				cancel(errNoAnswer)
				return
			}
		}
	}()
	return try, func() { cancel(nil) }
}

// struck knows when a fault struck the submission of a saga that is under way.
type struck struct {
	id   string
	seen int // events
	at   time.Duration
	hit  bool
}

// ago is how long ago that was; negative: none has.
func (s *struck) ago(rec *history.Recorder) time.Duration {
	events, now := rec.Since(s.seen)
	s.seen += len(events)
	for _, e := range events {
		switch {
		case e.Saga != s.id:
		case e.Kind == history.SagaSubmitted:
			s.hit = false
		case e.Kind == history.FaultFired && e.Step == saga.SubmitStep:
			s.hit, s.at = true, e.At
		}
	}
	if !s.hit {
		return -1
	}
	return now - s.at
}
