package reference

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// participant is a fenced participant that remembers everything. Its script may
// answer in its place: code 0 goes on, a negative code breaks the connection
// after the effect.
type participant struct {
	*httptest.Server
	script func(c call) int

	mu      sync.Mutex
	calls   []call
	changed chan struct{}
	effects map[string]int // by "step" or "step.undo"
	fenced  map[string]bool
	keys    map[string]bool
}

// call is one attempt as the participant saw it.
type call struct {
	op      string // "step" or "step.undo"
	attempt int
	began   time.Time
	ended   time.Time
	header  http.Header
	body    string
	code    int
}

func newParticipant(t testing.TB, script func(c call) int) *participant {
	p := &participant{
		script: script, changed: make(chan struct{}),
		effects: map[string]int{}, fenced: map[string]bool{}, keys: map[string]bool{},
	}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.Server.Close)
	return p
}

func (p *participant) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	c := call{op: strings.TrimPrefix(r.URL.Path, "/"), began: time.Now(), header: r.Header, body: string(body)}
	p.mu.Lock()
	for _, o := range p.calls {
		if o.op == c.op && o.header.Get("Saga-Id") == r.Header.Get("Saga-Id") {
			c.attempt++
		}
	}
	c.attempt++
	i := len(p.calls)
	p.calls = append(p.calls, c)
	close(p.changed)
	p.changed = make(chan struct{})
	p.mu.Unlock()

	code := 0
	if p.script != nil {
		code = p.script(c)
	}
	if code <= 0 {
		if done := p.apply(c); code == 0 {
			code = done
		}
	}
	p.mu.Lock()
	p.calls[i].code, p.calls[i].ended = code, time.Now()
	p.mu.Unlock()
	if code < 0 {
		panic(http.ErrAbortHandler)
	}
	if code == 503 || code == 429 {
		w.Header().Set("Retry-After", "0")
	}
	w.WriteHeader(code)
}

// apply has the effect of a call, once a key, and never after its compensation.
func (p *participant) apply(c call) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	step, undo := strings.CutSuffix(c.op, ".undo")
	step = c.header.Get("Saga-Id") + "/" + step
	key := c.header.Get("Idempotency-Key")
	switch {
	case p.keys[key]:
	case undo && p.effects[step] == 0:
		p.fenced[step] = true
	case undo:
		p.effects[step+".undo"]++
		p.fenced[step] = true
	case p.fenced[step]:
		return http.StatusGone
	default:
		p.effects[step]++
	}
	p.keys[key] = true
	return http.StatusOK
}

// of returns the calls of one operation, in order.
func (p *participant) of(op string) []call {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.calls), func(c call) bool { return c.op != op })
}

// left returns the effects that have not been undone, as "step" sorted.
func (p *participant) left(id string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var left []string
	for op, n := range p.effects {
		step, ok := strings.CutPrefix(op, id+"/")
		if ok && !strings.HasSuffix(op, ".undo") && n-p.effects[op+".undo"] != 0 {
			left = append(left, step)
		}
	}
	slices.Sort(left)
	return left
}

// awaitCall waits for the n-th call of an operation.
func (p *participant) awaitCall(t testing.TB, op string, n int) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		p.mu.Lock()
		changed := p.changed
		p.mu.Unlock()
		if len(p.of(op)) >= n {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("no call %d of %s", n, op)
		}
	}
}

// retry is a quick policy of at most n attempts.
func retry(n int) saga.RetryPolicy {
	return saga.RetryPolicy{MaxAttempts: n, InitialIntervalMS: 5, Multiplier: 2, MaxIntervalMS: 20, Jitter: 0.5, AttemptTimeoutMS: 2000}
}

// define makes a definition from words: "name kind" or "name kind after,after";
// "name kind -" starts at once. Pivots, retriable and deferrable steps have no
// compensation, compensatable ones have.
func (p *participant) define(id string, words ...string) saga.Definition {
	d := saga.Definition{ID: id, Name: "test"}
	for _, w := range words {
		f := strings.Fields(w)
		s := saga.Step{
			Name: f[0], Kind: saga.Kind(f[1]),
			Action: saga.Call{URL: p.URL + "/" + f[0], Body: json.RawMessage(`{"do":true}`), Retry: retry(3)},
		}
		if s.Kind == saga.Compensatable {
			s.Compensation = &saga.Call{URL: p.URL + "/" + f[0] + ".undo", Body: json.RawMessage(`{"do":false}`), Retry: retry(0)}
		}
		if s.Kind == saga.Retriable {
			s.Action.Retry = retry(0)
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

func openTest(t testing.TB, o Options) *Executor {
	t.Helper()
	if o.StoreDSN == "" {
		o.StoreDSN = filepath.Join(t.TempDir(), "sagas.db")
	}
	e, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func submit(t testing.TB, e *Executor, d saga.Definition) {
	t.Helper()
	if err := e.Submit(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

// await polls the status until it fits: the executor tells nobody by itself.
func await(t testing.TB, e *Executor, id string, fits func(saga.Report) bool) saga.Report {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(15 * time.Second)
	for {
		r, err := e.Status(id)
		if err == nil && fits(r) {
			return r
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("saga %q: %+v, %v", id, r, err)
		}
	}
}

func awaitStatus(t testing.TB, e *Executor, id string, want saga.Status) saga.Report {
	t.Helper()
	return await(t, e, id, func(r saga.Report) bool { return r.Status == want })
}

// steps is a report in short: "a:succeeded/1 b:failed/3".
func steps(r saga.Report) string {
	var parts []string
	for _, s := range r.Steps {
		parts = append(parts, fmt.Sprintf("%s:%s/%d", s.Name, s.Status, s.Attempts))
	}
	return strings.Join(parts, " ")
}

func itoa(n int) string { return strconv.Itoa(n) }

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}
