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
	status := r.state.status() // durable by now
	if status == r.shown {
		return
	}
	first := r.shown == ""
	r.shown = status
	switch {
	case first:
		r.log(slog.LevelInfo, "saga accepted", "steps", len(r.state.Def.Steps), "traceparent", r.state.trace)
	case status == saga.Stuck:
		r.log(slog.LevelError, "saga is stuck: a person is needed")
	case status == saga.Compensating:
		r.log(slog.LevelWarn, "saga is on its way back", "operator", r.state.Operator)
	default:
		r.log(slog.LevelInfo, "saga "+string(status))
	}
}

// log says something of the saga.
func (r *run) log(level slog.Level, what string, more ...any) {
	if !r.e.log.Enabled(r.ctx, level) {
		return
	}
	root := r.trace.Root()
	names := []any{"saga", r.state.Def.ID, "name", r.state.Def.Name, "trace_id", hex.EncodeToString(r.trace.ID[:]), "span_id", hex.EncodeToString(root[:])}
	r.e.log.Log(r.ctx, level, what, append(names, more...)...)
}

// logOf says something of an attempt.
func (e *Executor) logOf(ctx context.Context, o *Op, n int, level slog.Level, what string, more ...any) {
	if !e.log.Enabled(ctx, level) {
		return
	}
	span := o.trace.Attempt(o.SagaStep().Name, o.Ref, n)
	names := []any{
		"saga", o.Saga.ID, "step", o.SagaStep().Name, "direction", string(o.Dir), "attempt", n,
		"trace_id", hex.EncodeToString(o.trace.ID[:]), "span_id", hex.EncodeToString(span[:]),
	}
	e.log.Log(ctx, level, what, append(names, more...)...)
}

// logInterrupted says of which attempts nobody will ever learn what came of them.
func (r *run) logInterrupted(records []Record) {
	for _, rec := range records {
		if rec.Interrupted {
			o := r.op(rec.ref())
			r.e.logOf(r.ctx, &o, rec.Attempt, slog.LevelInfo, "attempt", "interrupted", true)
		}
	}
}

// logAttempt says what came of a call.
func (e *Executor) logAttempt(ctx context.Context, at *Attempt, a Answer, err error) {
	switch {
	case a.unsent:
		if e.shortage.news(e.now()) {
			e.logOf(ctx, &at.Op, at.N, slog.LevelError,
				"a call could not leave; it is no attempt, and others that can't are not logged for a minute", "error", withoutURL(err))
		}
	case err != nil:
		e.logOf(ctx, &at.Op, at.N, slog.LevelInfo, "attempt", "error", withoutURL(err))
	default:
		e.logOf(ctx, &at.Op, at.N, slog.LevelInfo, "attempt", "code", a.Code)
	}
	if a.tooLong != "" {
		e.logOf(ctx, &at.Op, at.N, slog.LevelWarn, "Retry-After is too long", "asked", a.tooLong, "waits", bounds.RetryAfter.String())
	}
}

// withoutURL is the error of a call as it may be logged.
func withoutURL(err error) error {
	var transport *url.Error
	if errors.As(err, &transport) {
		return transport.Err
	}
	return err
}
