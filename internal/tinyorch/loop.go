package tinyorch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// ending is how the attempts of an operation ended.
type ending int

const (
	done ending = iota
	refused
	exhausted // attempts or time ran out: the outcome is unknown
	stopped   // nobody wants it any more
)

// loop is the retry loop of one operation. It may be entered again, to go on.
type loop struct {
	run       *run
	step      *step
	direction saga.Direction
	call      saga.Call
	give      <-chan struct{} // closed: no further attempt is wanted
	endless   bool            // until the outcome is known, whatever the policy says
	n         int             // attempts made
	first     time.Time
	notBefore time.Time
	again     bool // a repetition that should not be
}

// do attempts until the outcome is known, or the policy is used up.
func (l *loop) do(ctx context.Context) ending {
	p := l.policy()
	if l.n == 0 && !l.sleep(ctx, l.run.o.habits.before(l.direction)) {
		return stopped
	}
	for {
		if l.n > 0 {
			due := time.Now().Add(l.backoff())
			if due.Before(l.notBefore) {
				due = l.notBefore
			}
			if !l.endless && (p.MaxAttempts > 0 && l.n >= p.MaxAttempts || p.DeadlineMS > 0 && due.After(l.deadline())) {
				return exhausted
			}
			if !l.sleep(ctx, time.Until(due)) {
				return stopped
			}
		}
		l.begin()
		code, retryAfter := l.attempt(ctx)
		if retryAfter > 0 {
			l.notBefore = time.Now().Add(retryAfter)
		}
		if ctx.Err() != nil {
			return stopped
		}
		switch l.classify(code) {
		case saga.Done:
			return done
		case saga.Permanent:
			return refused
		case saga.Transient:
			l.doubt(code)
		}
	}
}

// policy is the retry policy, as the mistakes would have it.
func (l *loop) policy() saga.RetryPolicy {
	p := l.call.Retry
	switch b := l.run.o.bugs; {
	case b.GiveUpAtOnce:
		p.MaxAttempts = 1
	case b.OneUndoTooMany && l.direction == saga.Compensation && p.MaxAttempts > 0:
		p.MaxAttempts++
	}
	return p
}

func (l *loop) begin() {
	if l.n == 0 {
		l.first = time.Now()
	}
	l.n++
	if l.direction == saga.Action {
		l.run.mu.Lock()
		l.step.attempts = l.n
		l.run.mu.Unlock()
	}
}

func (l *loop) deadline() time.Time {
	from := l.first
	if l.run.o.bugs.DeadlineFromStart {
		from = l.run.began
	}
	return from.Add(time.Duration(l.call.Retry.DeadlineMS) * time.Millisecond)
}

func (l *loop) doubt(code int) {
	if l.direction == saga.Action && !(l.run.o.bugs.ConflictIsNothing && code == http.StatusConflict) {
		l.run.mu.Lock()
		l.step.doubtful = true
		l.run.mu.Unlock()
	}
}

func (l *loop) classify(code int) saga.Answer {
	if code == http.StatusUnprocessableEntity && l.run.o.bugs.RetryRefused {
		return saga.Transient
	}
	if m := l.run.o.bugs.Misread; m.Code == code && code != 0 && (l.n > 1 || !m.Later) && (l.direction == saga.Compensation || !m.Undo) {
		return m.As
	}
	return saga.Classify(code)
}

// backoff draws the wait before the next attempt.
func (l *loop) backoff() time.Duration {
	lo, hi := l.call.Retry.Band(l.n + 1)
	switch {
	case l.run.o.bugs.NoBackoff:
		return 0
	case l.run.o.bugs.DoubleWaits:
		return 2*lo + time.Duration(rand.Float64()*2*float64(hi-lo))
	case l.run.o.habits.Shortest:
		return lo
	case l.run.o.habits.Longest:
		return hi
	}
	return lo + time.Duration(rand.Float64()*float64(hi-lo))
}

// sleep waits; false: no further attempt is wanted.
func (l *loop) sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		select {
		case <-l.give:
			return false
		default:
			return true
		}
	case <-l.give:
		return false
	case <-ctx.Done():
		return false
	}
}

// attempt makes one call; code 0: no whole answer came.
func (l *loop) attempt(ctx context.Context) (code int, retryAfter time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, l.call.Retry.AttemptTimeout())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.call.URL, bytes.NewReader(l.body()))
	if err != nil {
		return 0, 0
	}
	req.Header = l.header()
	resp, err := l.send(req)
	if err != nil {
		return 0, 0
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil && !l.run.o.habits.HeadOnly {
		return 0, 0
	}
	return resp.StatusCode, askedToWait(resp.Header.Get("Retry-After"))
}

// body is what the call carries: as it came, or written anew.
func (l *loop) body() []byte {
	exact := l.run.o.habits.BodiesAnew
	if len(l.call.Body) == 0 || !exact && !l.run.o.bugs.FloatNumbers {
		return l.call.Body
	}
	d := json.NewDecoder(bytes.NewReader(l.call.Body))
	if exact {
		d.UseNumber()
	}
	var v any
	if err := d.Decode(&v); err != nil {
		return l.call.Body
	}
	anew, err := json.Marshal(v)
	if err != nil {
		return l.call.Body
	}
	return anew
}

// askedToWait reads Retry-After: seconds, or an HTTP date.
func askedToWait(v string) time.Duration {
	if seconds, err := strconv.Atoi(v); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return time.Until(at)
	}
	return 0
}

// send makes the call in the orchestrator's way; before a repeated one it may look
// whether it has been done.
func (l *loop) send(req *http.Request) (*http.Response, error) {
	h := l.run.o.habits
	if h.ReadBack && l.n > 1 {
		look := req.Clone(req.Context())
		look.Method, look.Body, look.ContentLength = http.MethodGet, nil, 0
		if resp, err := l.run.o.client.Do(look); err == nil {
			_ = resp.Body.Close() // whatever it says, the call is safe to repeat
		}
	}
	if h.Send != nil {
		return h.Send(req)
	}
	return l.run.o.client.Do(req)
}

func (l *loop) header() http.Header {
	id, name := l.run.def.ID, l.step.def.Name
	key := fmt.Sprintf("%s %s %s", id, name, l.direction)
	if l.run.o.bugs.FreshKey {
		key += fmt.Sprintf(" %d", l.n)
	}
	key += l.run.key
	if l.again {
		key += " again"
	}
	trace := sha256.Sum256([]byte(id))
	return http.Header{
		"Content-Type": {"application/json"}, "Idempotency-Key": {l.run.o.habits.key(key)},
		"Saga-Id": {id}, "Saga-Step": {l.run.o.habits.stepName(name, l.direction)},
		"Traceparent": {fmt.Sprintf("00-%x-%016x-01", trace[:16], rand.Uint64()|1)},
	}
}
