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
type Participant struct {
	*httptest.Server
	script func(c SeenCall) int

	Mu      sync.Mutex
	Calls   []SeenCall
	changed chan struct{}
	Effects map[string]int // by "step" or "step.undo"
	fenced  map[string]bool
	keys    map[string]bool
}

// call is one attempt as the participant saw it.
type SeenCall struct {
	Op      string // "step" or "step.undo"
	Attempt int
	began   time.Time
	ended   time.Time
	Header  http.Header
	Body    string
	code    int
}

func NewParticipant(t testing.TB, script func(c SeenCall) int) *Participant {
	p := &Participant{
		script: script, changed: make(chan struct{}),
		Effects: map[string]int{}, fenced: map[string]bool{}, keys: map[string]bool{},
	}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.Server.Close)
	return p
}

func (p *Participant) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	c := SeenCall{Op: strings.TrimPrefix(r.URL.Path, "/"), began: time.Now(), Header: r.Header, Body: string(body)}
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
	p.Calls[i].code, p.Calls[i].ended = code, time.Now()
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
func (p *Participant) apply(c SeenCall) int {
	p.Mu.Lock()
	defer p.Mu.Unlock()
	step, undo := strings.CutSuffix(c.Op, ".undo")
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

// of returns the calls of one operation, in order.
func (p *Participant) Of(op string) []SeenCall {
	p.Mu.Lock()
	defer p.Mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.Calls), func(c SeenCall) bool { return c.Op != op })
}

// left returns the effects that have not been undone, as "step" sorted.
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

// awaitCall waits for the n-th call of an operation.
func (p *Participant) AwaitCall(t testing.TB, op string, n int) {
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

// retry is a quick policy of at most n attempts.
func retry(n int) saga.RetryPolicy {
	return saga.RetryPolicy{MaxAttempts: n, InitialIntervalMS: 5, Multiplier: 2, MaxIntervalMS: 20, Jitter: 0.5, AttemptTimeoutMS: 2000}
}

// define makes a definition from words: "name kind" or "name kind after,after";
// "name kind -" starts at once. Pivots, retriable and deferrable steps have no
// compensation, compensatable ones have.
func (p *Participant) Define(id string, words ...string) saga.Definition {
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

func OpenTest(t testing.TB, o Options) *Executor {
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

func SubmitTest(t testing.TB, e *Executor, d saga.Definition) {
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

func AwaitStatus(t testing.TB, e *Executor, id string, want saga.Status) saga.Report {
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
