// Package testparticipant is the participant that tests of an executor call, and what they
// have beside it: a log, policies. It is for tests only, and does not import testing, so that no program of ours comes to.
package testparticipant

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// TB is what is needed of a *testing.T.
type TB interface {
	Helper()
	Cleanup(f func())
	Fatalf(format string, args ...any)
}

// Participant is a fenced participant that remembers everything. Its script may
// answer in its place: code 0 goes on, a negative code breaks the connection
// after the effect.
type Participant struct {
	*httptest.Server
	script func(c Call) int

	Mu      sync.Mutex
	Calls   []Call
	changed chan struct{}
	Effects map[string]int // by "step" or "step.undo"
	fenced  map[string]bool
	keys    map[string]bool
}

// Call is one attempt as the participant saw it.
type Call struct {
	Op      string // "step" or "step.undo"
	Attempt int
	Began   time.Time
	Ended   time.Time
	Header  http.Header
	Body    string
	code    int
}

// New starts one; script nil: it does as it is told.
func New(t TB, script func(c Call) int) *Participant {
	p := &Participant{
		script: script, changed: make(chan struct{}),
		Effects: map[string]int{}, fenced: map[string]bool{}, keys: map[string]bool{},
	}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Server.Close)
	return p
}

// ServeHTTP answers a call.
func (p *Participant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	c := Call{Op: strings.TrimPrefix(r.URL.Path, "/"), Began: time.Now(), Header: r.Header, Body: string(body)}
	p.Mu.Lock()
	for _, o := range p.Calls {
		if o.Op == c.Op && o.Header.Get("Saga-Id") == r.Header.Get("Saga-Id") {
			c.Attempt++
		}
	}
	c.Attempt++
	i := len(p.Calls)
	p.Calls = append(p.Calls, c)
	close(p.changed)
	p.changed = make(chan struct{})
	p.Mu.Unlock()

	code := 0
	if p.script != nil {
		code = p.script(c)
	}
	if code <= 0 {
		if done := p.apply(c); code == 0 {
			code = done
		}
	}
	p.Mu.Lock()
	p.Calls[i].code, p.Calls[i].Ended = code, time.Now()
	p.Mu.Unlock()
	if code < 0 {
		panic(http.ErrAbortHandler)
	}
	if code == 503 || code == 429 {
		w.Header().Set("Retry-After", "0")
	}
	w.WriteHeader(code)
}

// apply has the effect of a call, once a key, and never after its compensation.
func (p *Participant) apply(c Call) int {
	p.Mu.Lock()
	defer p.Mu.Unlock()
	step, undo := strings.CutSuffix(c.Op, ".undo")
	if said := c.Header.Get("Saga-Step"); strings.HasPrefix(said, step+"(") { // in a later round
		step = said
	}
	step = c.Header.Get("Saga-Id") + "/" + step
	key := c.Header.Get("Idempotency-Key")
	switch {
	case p.keys[key]:
	case undo && p.Effects[step] == 0:
		p.fenced[step] = true
	case undo:
		p.Effects[step+".undo"]++
		p.fenced[step] = true
	case p.fenced[step]:
		return http.StatusGone
	default:
		p.Effects[step]++
	}
	p.keys[key] = true
	return http.StatusOK
}

// Of returns the calls of one operation, in order.
func (p *Participant) Of(op string) []Call {
	p.Mu.Lock()
	defer p.Mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.Calls), func(c Call) bool { return c.Op != op })
}

// Left returns the effects that have not been undone, as "step" sorted.
func (p *Participant) Left(id string) []string {
	p.Mu.Lock()
	defer p.Mu.Unlock()
	var left []string
	for op, n := range p.Effects {
		step, ok := strings.CutPrefix(op, id+"/")
		if ok && !strings.HasSuffix(op, ".undo") && n-p.Effects[op+".undo"] != 0 {
			left = append(left, step)
		}
	}
	slices.Sort(left)
	return left
}

// AwaitCall waits for the n-th call of an operation.
func (p *Participant) AwaitCall(t TB, op string, n int) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		p.Mu.Lock()
		changed := p.changed
		p.Mu.Unlock()
		if len(p.Of(op)) >= n {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("no call %d of %s", n, op)
		}
	}
}

// Retry is a quick policy of at most n attempts.
func Retry(n int) saga.RetryPolicy {
	return saga.RetryPolicy{MaxAttempts: n, InitialIntervalMS: 5, Multiplier: 2, MaxIntervalMS: 20, Jitter: 0.5, AttemptTimeoutMS: 2000}
}

// Define makes a definition from words: "name kind" or "name kind after,after";
// "name kind -" starts at once, "name kind after =step" stands for a step. Pivots, retriable and deferrable steps have no
// compensation, compensatable ones have.
func (p *Participant) Define(id string, words ...string) saga.Definition {
	d := saga.Definition{ID: id, Name: "test"}
	for _, w := range words {
		f := strings.Fields(w)
		s := saga.Step{
			Name: f[0], Kind: saga.Kind(f[1]),
			Action: saga.Call{URL: p.URL + "/" + f[0], Body: json.RawMessage(`{"do":true}`), Retry: Retry(3)},
		}
		if s.Kind == saga.Compensatable {
			s.Compensation = &saga.Call{URL: p.URL + "/" + f[0] + ".undo", Body: json.RawMessage(`{"do":false}`), Retry: Retry(0)}
		}
		if s.Kind == saga.Retriable {
			s.Action.Retry = Retry(0)
		}
		if len(f) > 3 {
			s.FallbackFor = strings.TrimPrefix(f[3], "=")
		}
		if len(f) > 2 {
			s.After = []string{}
			if f[2] != "-" {
				s.After = strings.Split(f[2], ",")
			}
		}
		d.Steps = append(d.Steps, s)
	}
	return d
}

// ForgetKey takes back that a key was answered; p.Mu is held.
func (p *Participant) ForgetKey(key string) { delete(p.keys, key) }
