package defects

import (
	"context"
	"encoding/json"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

// What the defects share: each function lays another one over a rule, which is told what
// the rule was, or what it says.

type (
	op      = reference.Op
	attempt = reference.Attempt
	answer  = reference.Answer
	state   = reference.State
)

type sender func(ctx context.Context, a attempt) answer

func overSend(r *reference.Rules, f func(ctx context.Context, a attempt, send sender) answer) {
	was := r.Send
	r.Send = func(ctx context.Context, a attempt) answer { return f(ctx, a, was) }
}

func overMeaning(r *reference.Rules, f func(o op, a answer, m saga.Answer) saga.Answer) {
	was := r.Meaning
	r.Meaning = func(o op, a answer) saga.Answer { return f(o, a, was(o, a)) }
}

func overConclusion(r *reference.Rules, f func(o op, a answer, c *reference.Outcome)) {
	was := r.Conclude
	r.Conclude = func(o op, a answer, left bool) reference.Outcome {
		c := was(o, a, left)
		f(o, a, &c)
		return c
	}
}

func overKey(r *reference.Rules, f func(o op, n int, key string) string) {
	was := r.Key
	r.Key = func(o op, n int) string { return f(o, n, was(o, n)) }
}

func overHeader(r *reference.Rules, f func(o op, n int, h http.Header)) {
	was := r.Header
	r.Header = func(o op, n int) http.Header {
		h := was(o, n)
		f(o, n, h)
		return h
	}
}

func overBody(r *reference.Rules, f func(o op, body json.RawMessage) json.RawMessage) {
	was := r.Body
	r.Body = func(o op) json.RawMessage { return f(o, was(o)) }
}

func overLimits(r *reference.Rules, f func(s *state, ref reference.Ref, l *reference.Limits)) {
	was := r.Limits
	r.Limits = func(s *state, ref reference.Ref) reference.Limits {
		l := was(s, ref)
		f(s, ref, &l)
		return l
	}
}

// overWaits is about the waits between attempts, not the one before the first.
func overWaits(r *reference.Rules, f func(o op, n int, wait time.Duration) time.Duration) {
	was := r.Wait
	r.Wait = func(o op, n int) time.Duration {
		if n < 2 {
			return was(o, n)
		}
		return f(o, n, was(o, n))
	}
}

// beginsLate makes each operation wait before its first attempt.
func beginsLate(r *reference.Rules, wait time.Duration) {
	was := r.Wait
	r.Wait = func(o op, n int) time.Duration {
		if n == 1 {
			return wait
		}
		return was(o, n)
	}
}

// forgetsUndo: a step for which something holds is not compensated.
func forgetsUndo(r *reference.Rules, forgets func(s *state, step int) bool) {
	was := r.NeedsUndo
	r.NeedsUndo = func(s *state, step int) bool { return was(s, step) && !forgets(s, step) }
}

// onRestart calls f with each open saga that a restart carries on.
func onRestart(r *reference.Rules, f func(e *reference.Executor, s *state)) {
	was := r.Continue
	r.Continue = func(e *reference.Executor, s *state) bool {
		f(e, s)
		return was(e, s)
	}
}

// hasRestarted tells whether any saga was carried on.
func hasRestarted(r *reference.Rules) *atomic.Bool {
	var yes atomic.Bool
	onRestart(r, func(*reference.Executor, *state) { yes.Store(true) })
	return &yes
}

// underKeyOf is an attempt as another worker would make it, which has keys of its own.
func underKeyOf(a attempt, worker string) attempt {
	a.Header = a.Header.Clone()
	a.Header.Set("Idempotency-Key", a.Header.Get("Idempotency-Key")+"/"+worker)
	return a
}

// aside makes an attempt for whose answer nobody waits.
func aside(a attempt, send sender) {
	a.Aside(func(ctx context.Context) { send(ctx, a) })
}

// later makes it after a while, unless the channel is closed first.
func later(a attempt, after time.Duration, called <-chan struct{}, send sender) {
	a.Aside(func(ctx context.Context) {
		timer := time.NewTimer(after)
		defer timer.Stop()
		select {
		case <-timer.C:
			send(ctx, a)
		case <-called:
		case <-ctx.Done():
		}
	})
}

func isAction(o op) bool { return o.Dir == saga.Action }

func isUndo(o op) bool { return o.Dir == saga.Compensation }
