package reference

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// answer is what came of one attempt. Code 0: no complete answer arrived.
type Answer struct {
	Code      int
	At        time.Time
	NotBefore time.Time // from Retry-After
	tooLong   string    // a Retry-After that was cut
	unsent    bool      // nothing of it left, for want of something of our own
}

// newClient makes one connection a call, which also keeps net/http from sending
// a call a second time by itself, and follows nothing.
func newClient(t targets) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				return (&net.Dialer{Control: t.control(address)}).DialContext(ctx, network, address)
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// idempotencyKey is the same for all attempts of an operation and different for
// every other operation: neither step names nor directions hold a slash. by is
// empty, but for the strays of planted defects.
func (e *Executor) idempotencyKey(id, step string, d saga.Direction, attempt int, by string) string {
	parts := []string{url.PathEscape(id), step, string(d)}
	if e.defects.on("key-without-direction") {
		parts = parts[:2]
	}
	if e.defects.on("key-per-saga") {
		parts = parts[:1]
	}
	if e.defects.on("fresh-key-per-attempt") {
		parts = append(parts, strconv.Itoa(attempt))
	}
	if e.defects.on("fresh-key-after-restart") && e.restarted {
		parts = append(parts, strconv.Itoa(os.Getpid()))
	}
	if by != "" {
		parts = append(parts, by)
	}
	key := strings.Join(parts, "/")
	if e.defects.on("hashed-keys") {
		sum := sha256.Sum256([]byte(key))
		key = hex.EncodeToString(sum[:16])
	}
	return key
}

// header is what the contract asks every call to carry.
func (e *Executor) header(def saga.Definition, step string, d saga.Direction, attempt int, by string) http.Header {
	h := http.Header{
		"Content-Type":    {"application/json"},
		"Idempotency-Key": {e.idempotencyKey(def.ID, step, d, attempt, by)},
		"Saga-Id":         {def.ID},
		"Saga-Step":       {step},
		"Traceparent":     {traceParent(def.ID, e.traceOf(def.ID))},
	}
	if e.defects.on("no-key") {
		h.Del("Idempotency-Key")
	}
	if e.defects.on("no-saga-id") {
		h.Del("Saga-Id")
	}
	if e.defects.on("saga-id-of-worker") && attempt > 1 {
		h.Set("Saga-Id", "worker-1")
	}
	if e.defects.on("no-trace-on-compensation") && d == saga.Compensation {
		h.Del("Traceparent")
	}
	return h
}

// body is what a call is sent.
func (e *Executor) body(def saga.Definition, r Ref) json.RawMessage {
	step := def.Steps[r.Step]
	if r.Dir == saga.Action {
		return e.defects.rewrite(step.Action.Body)
	}
	if e.defects.on("compensate-with-action-body") {
		return step.Action.Body
	}
	if e.defects.on("wrong-input-after-restart") && e.restarted && def.Steps[0].Compensation != nil {
		return def.Steps[0].Compensation.Body
	}
	return step.Compensation.Body
}

// traceParent is the W3C trace context: one span an attempt, in the trace of the
// client that submitted the saga, or in one of the saga's own.
func traceParent(id, client string) string {
	var span [8]byte
	_, _ = rand.Read(span[:]) // never fails
	span[0] |= 1              // all zero is not a span
	if validTrace(client) {
		return client[:36] + hex.EncodeToString(span[:]) + client[52:55]
	}
	trace := sha256.Sum256([]byte(id))
	return "00-" + hex.EncodeToString(trace[:16]) + "-" + hex.EncodeToString(span[:]) + "-01"
}

var traceForm = regexp.MustCompile(`^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)

// validTrace tells a traceparent of version 00 that names a trace and a span.
func validTrace(s string) bool {
	return traceForm.MatchString(s) && strings.Trim(s[3:35], "0") != "" && strings.Trim(s[36:52], "0") != ""
}

// traceOf is the traceparent that a saga was submitted with, or "".
func (e *Executor) traceOf(id string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if k := e.sagas[id]; k != nil {
		return k.trace
	}
	return ""
}

// send makes one attempt. An answer counts only when it has arrived whole.
func (e *Executor) send(ctx context.Context, def saga.Definition, r Ref, attempt int, by string) Answer {
	step, call := def.Steps[r.Step], callOf(def, r)
	timeout := call.Retry.AttemptTimeout()
	if e.defects.on("no-attempt-timeout") {
		timeout = math.MaxInt64
	}
	ctx, cancel := e.limited(ctx, timeout)
	defer cancel()
	a, err := e.post(ctx, call.URL, e.body(def, r), e.header(def, step.Name, r.Dir, attempt, by))
	e.logAttempt(ctx, def, r, attempt, a, err)
	return a
}

// limited bounds the whole of an attempt.
func (e *Executor) limited(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if !e.defects.on("head-timeout") {
		return context.WithTimeout(ctx, timeout)
	}
	ctx, cancel := context.WithCancel(ctx)
	t := time.AfterFunc(timeout, cancel)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotFirstResponseByte: func() { t.Stop() }}), cancel
}

func (e *Executor) post(ctx context.Context, url string, body []byte, h http.Header) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return Answer{At: e.now(), unsent: true}, err
	}
	req.Header = h
	resp, err := e.client.Do(req)
	if err != nil {
		return Answer{At: e.now(), unsent: couldNotLeave(err)}, err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return Answer{At: e.now()}, fmt.Errorf("answer %d cut off: %w", resp.StatusCode, err)
	}
	a := Answer{Code: e.defects.understood(resp), At: e.now()}
	if v := resp.Header.Get("Retry-After"); v != "" && saga.Classify(a.Code) == saga.Transient {
		var cut bool
		if a.NotBefore, cut = retryAfter(v, a.At); cut {
			a.tooLong = v[:min(len(v), 40)]
		}
	}
	return a, nil
}
