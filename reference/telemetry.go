package reference

import (
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/url"

	"github.com/sagacheck/sagacheck/reference/bounds"
	"github.com/sagacheck/sagacheck/saga"
)

// A saga's life is one line an event, all with the same names: saga, step, direction,
// attempt, and trace_id and span_id as traces have them. No line holds a body, a URL or a
// header, which may hold secrets.

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
	trace := r.state.Trace()
	root := trace.Root()
	log := r.e.log.With("saga", r.state.Def.ID, "name", r.state.Def.Name, "trace_id", hex.EncodeToString(trace.ID[:]), "span_id", hex.EncodeToString(root[:]))
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

// logOf is the log of an attempt.
func (e *Executor) logOf(o Op, n int) *slog.Logger {
	span := o.trace.Attempt(o.SagaStep().Name, o.Ref, n)
	return e.log.With("saga", o.Saga.ID, "step", o.SagaStep().Name, "direction", string(o.Dir), "attempt", n,
		"trace_id", hex.EncodeToString(o.trace.ID[:]), "span_id", hex.EncodeToString(span[:]))
}

// logInterrupted says of which attempts nobody will ever learn what came of them.
func (r *run) logInterrupted(records []Record) {
	for _, rec := range records {
		if rec.Interrupted && r.e.log.Enabled(r.ctx, slog.LevelInfo) {
			r.e.logOf(r.op(rec.ref()), rec.Attempt).Info("attempt", "interrupted", true)
		}
	}
}

// logAttempt says what came of a call.
func (e *Executor) logAttempt(ctx context.Context, at Attempt, a Answer, err error) {
	if !e.log.Enabled(ctx, slog.LevelError) {
		return
	}
	log := e.logOf(at.Op, at.N)
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
