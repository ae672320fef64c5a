package reference

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// answer is what came of one attempt. Code 0: no complete answer arrived.
type answer struct {
	code      int
	at        time.Time
	notBefore time.Time // from Retry-After
}

func (a answer) meaning() saga.Answer { return saga.Classify(a.code) }

// newClient makes one connection a call, which also keeps net/http from sending
// a call a second time by itself, and follows nothing.
func newClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext:       (&net.Dialer{}).DialContext,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// idempotencyKey is the same for all attempts of an operation and different for
// every other operation: neither step names nor directions hold a slash.
func idempotencyKey(id, step string, d saga.Direction) string {
	return url.PathEscape(id) + "/" + step + "/" + string(d)
}

// traceParent is the W3C trace context: one trace a saga, one span an attempt.
func traceParent(id string) string {
	trace := sha256.Sum256([]byte(id))
	var span [8]byte
	_, _ = rand.Read(span[:]) // never fails
	span[0] |= 1              // all zero is not a span
	return "00-" + hex.EncodeToString(trace[:16]) + "-" + hex.EncodeToString(span[:]) + "-01"
}

// send makes one attempt. An answer counts only when it has arrived whole.
func (e *Executor) send(ctx context.Context, def saga.Definition, r ref, attempt int) answer {
	step, call := def.Steps[r.step], def.Steps[r.step].Action
	if r.dir == saga.Compensation {
		call = *step.Compensation
	}
	ctx, cancel := context.WithTimeout(ctx, call.Retry.AttemptTimeout())
	defer cancel()
	a, err := e.post(ctx, call, http.Header{
		"Content-Type":    {"application/json"},
		"Idempotency-Key": {idempotencyKey(def.ID, step.Name, r.dir)},
		"Saga-Id":         {def.ID},
		"Saga-Step":       {step.Name},
		"Traceparent":     {traceParent(def.ID)},
	})
	if err != nil {
		e.log.Debug("attempt failed", "saga", def.ID, "step", step.Name, "direction", r.dir, "attempt", attempt, "error", err)
	}
	return a
}

func (e *Executor) post(ctx context.Context, call saga.Call, h http.Header) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, call.URL, bytes.NewReader(call.Body))
	if err != nil {
		return answer{at: time.Now()}, err
	}
	req.Header = h
	resp, err := e.client.Do(req)
	if err != nil {
		return answer{at: time.Now()}, err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return answer{at: time.Now()}, fmt.Errorf("answer %d cut off: %w", resp.StatusCode, err)
	}
	a := answer{code: resp.StatusCode, at: time.Now()}
	if a.code == http.StatusTooManyRequests || a.code == http.StatusServiceUnavailable {
		a.notBefore = retryAfter(resp.Header.Get("Retry-After"), a.at)
	}
	return a, nil
}

// retryAfter reads the header's two forms (RFC 9110, 10.2.3); zero if there is
// nothing to be read.
func retryAfter(v string, now time.Time) time.Time {
	if s, err := strconv.Atoi(v); err == nil && s >= 0 {
		return now.Add(time.Duration(s) * time.Second)
	}
	if t, err := http.ParseTime(v); err == nil {
		return t
	}
	return time.Time{}
}
