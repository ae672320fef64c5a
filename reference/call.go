package reference

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// answer is what came of one attempt. Code 0: no complete answer arrived.
type Answer struct {
	Code      int
	Header    http.Header
	At        time.Time
	NotBefore time.Time // from Retry-After
	problem   string    // the type of an application/problem+json answer
	tooLong   string    // a Retry-After that was cut
	unsent    bool      // nothing of it left, for want of something of our own
}

// Op is one operation of a saga, in the eyes of those who call.
type Op struct {
	Saga *saga.Definition // not to be changed
	Ref
	executor *Executor
	trace    *Trace
	policy   decision      // how it is called
	timeout  time.Duration // of the attempt under way, where its policy adapts
}

// op is an operation of this saga.
func (r *run) op(ref Ref) Op { return Op{Saga: r.def(), Ref: ref, executor: r.e, trace: &r.trace} }

// SagaStep is the step whose operation it is.
func (o Op) SagaStep() saga.Step { return o.Saga.Steps[o.Step] }

// Call is the call to make, by the policies that decide it and within bounds.
func (o Op) Call() saga.Call { return o.policy.call(o.Saga, o.Ref) }

// Timeout is how long an attempt may take.
func (o Op) Timeout() time.Duration {
	if o.timeout > 0 {
		return o.timeout
	}
	return o.Call().Retry.AttemptTimeout()
}

// Attempt is attempt n as it would be sent.
func (o Op) Attempt(n int) Attempt {
	r := o.executor.rules
	return Attempt{Op: o, N: n, Header: r.Header(o, n), Body: r.Body(o)}
}

// Attempt is one attempt about to leave.
type Attempt struct {
	Op
	N      int // from 1
	Header http.Header
	Body   json.RawMessage
}

// idempotencyKey is the same for all attempts of an operation and different for
// every other operation: neither step names nor directions hold a slash.
func idempotencyKey(o Op, _ int) string {
	return url.PathEscape(o.Saga.ID) + "/" + o.SagaStep().Name + "/" + string(o.Dir)
}

// header is what the contract asks every call to carry.
func header(o Op, n int, key string) http.Header {
	return http.Header{
		"Content-Type":    {"application/json"},
		"Idempotency-Key": {key},
		"Saga-Id":         {o.Saga.ID},
		"Saga-Step":       {o.SagaStep().Name},
		"Traceparent":     {o.trace.parent(o.SagaStep().Name, o.Ref, n)},
	}
}

// send makes one attempt.
func (e *Executor) send(ctx context.Context, o Op, n int) Answer {
	a := o.Attempt(n)
	if e.observer != nil {
		e.observer.Leaves(o, n)
	}
	return e.rules.Send(ctx, a)
}

// deliver sends an attempt and waits for its answer, which counts only when it has
// arrived whole.
func (e *Executor) deliver(ctx context.Context, a *Attempt) Answer {
	ctx, cancel := e.rules.Bound(ctx, a.Op)
	defer cancel()
	answer, err := e.post(ctx, a)
	e.logAttempt(ctx, a, answer, err)
	return answer
}

func (e *Executor) post(ctx context.Context, at *Attempt) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at.Call().URL, bytes.NewReader(at.Body))
	if err != nil {
		return Answer{At: e.now(), unsent: true}, err
	}
	req.Header = at.Header
	resp, err := e.client.Do(req)
	if err != nil {
		return Answer{At: e.now(), unsent: couldNotLeave(err)}, err
	}
	defer resp.Body.Close()
	problem := at.policy.problemOf(resp)
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return Answer{At: e.now()}, fmt.Errorf("answer %d cut off: %w", resp.StatusCode, err)
	}
	a := Answer{Code: resp.StatusCode, Header: resp.Header, At: e.now(), problem: problem}
	if v := resp.Header.Get("Retry-After"); v != "" && at.meaning(a) == saga.Transient {
		var cut bool
		if a.NotBefore, cut = e.rules.RetryAfter(v, a.At); cut {
			a.tooLong = v[:min(len(v), 40)]
		}
	}
	return a, nil
}
