package reference

import (
	"context"
	"errors"
	"log/slog"
	"net/url"

	"github.com/sagacheck/sagacheck/reference/bounds"
	"github.com/sagacheck/sagacheck/saga"
)

// A saga's life is one line an event, all with the same names: saga, step,
// direction, attempt. No line holds a body, a URL or a header, which may hold secrets.

// logStatus says what has become of a saga, if that is new.
func (r *run) logStatus() {
	if !r.e.log.Enabled(r.ctx, slog.LevelError) {
		return
	}
	status := r.state.status() // durable by now
	if status == r.shown {
		return
	}
	first := r.shown == ""
	r.shown = status
	log := r.e.log.With("saga", r.state.Def.ID, "name", r.state.Def.Name)
	switch {
	case first:
		log.Info("saga accepted", "steps", len(r.state.Def.Steps), "traceparent", r.state.trace)
	case status == saga.Stuck:
		log.Error("saga is stuck: a person is needed")
	case status == saga.Compensating:
		log.Warn("saga is on its way back", "operator", r.state.Operator)
	default:
		log.Info("saga " + string(status))
	}
}

// logAttempt says what came of a call.
func (e *Executor) logAttempt(ctx context.Context, at Attempt, a Answer, err error) {
	if !e.log.Enabled(ctx, slog.LevelError) {
		return
	}
	log := e.log.With("saga", at.Saga.ID, "step", at.SagaStep().Name, "direction", string(at.Dir), "attempt", at.N)
	var transport *url.Error // holds the URL
	if errors.As(err, &transport) {
		err = transport.Err
	}
	switch {
	case a.unsent:
		if e.shortage.news(e.now()) {
			log.Error("a call could not leave; it is no attempt, and others that can't are not logged for a minute", "error", err)
		}
	case err != nil:
		log.InfoContext(ctx, "attempt", "error", err)
	default:
		log.InfoContext(ctx, "attempt", "code", a.Code)
	}
	if a.tooLong != "" {
		log.WarnContext(ctx, "Retry-After is too long", "asked", a.tooLong, "waits", bounds.RetryAfter.String())
	}
}
