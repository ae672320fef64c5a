package reference

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/reference/bounds"
	"github.com/sagacheck/sagacheck/saga"
)

// Each number beyond its bounds is refused, with the field named.
func TestBoundsAtTheDoor(t *testing.T) {
	e := OpenTest(t, Options{})
	srv := httptest.NewServer(e.Handler())
	defer srv.Close()
	p := NewParticipant(t, nil)
	for field, change := range map[string]func(*saga.Definition){
		"steps[0].action.retry.attempt_timeout_ms": func(d *saga.Definition) { d.Steps[0].Action.Retry.AttemptTimeoutMS = 9e15 },
		"steps[0].compensation.retry.max_attempts": func(d *saga.Definition) { d.Steps[0].Compensation.Retry.MaxAttempts = math.MaxInt64 },
		"steps[0].action.retry.deadline_ms":        func(d *saga.Definition) { d.Steps[0].Action.Retry.DeadlineMS = math.MaxInt64 },
		"steps[0].action.retry.max_interval_ms":    func(d *saga.Definition) { d.Steps[0].Action.Retry.MaxIntervalMS = math.MaxInt64 },
		"steps[0].action.breaker.probes":           func(d *saga.Definition) { d.Steps[0].Action.Breaker.Probes = 1 << 31 },
		"steps[0].action.breaker.open_ms":          func(d *saga.Definition) { d.Steps[0].Action.Breaker.OpenMS = math.MaxInt64 },
		"steps[0].action.breaker.failures":         func(d *saga.Definition) { d.Steps[0].Action.Breaker.Failures = math.MaxInt64 },
		"steps[0].action.breaker.name":             func(d *saga.Definition) { d.Steps[0].Action.Breaker.Name = strings.Repeat("b", 201) },
		"steps[0].compensation.breaker.name": func(d *saga.Definition) {
			d.Steps[0].Compensation.Breaker = &saga.Breaker{Name: "b\x00", Failures: 1, OpenMS: 1, Probes: 1}
		},
		"steps[0].action.url":       func(d *saga.Definition) { d.Steps[0].Action.URL += strings.Repeat("x", maxURLLength) },
		"steps[0].compensation.url": func(d *saga.Definition) { d.Steps[0].Compensation.URL = "http://127.0.0.1:65536/" },
		"name":                      func(d *saga.Definition) { d.Name = strings.Repeat("n", 201) },
		"steps":                     func(d *saga.Definition) { d.Steps = chain(p, maxSteps+1).Steps },
		fmt.Sprintf("steps[%d].after", maxEdges/1000+1): func(d *saga.Definition) { d.Steps = dense(p, 1000).Steps },
	} {
		d := p.Define("s", "a compensatable")
		d.Steps[0].Action.Breaker = &saga.Breaker{Name: "b", Failures: 1, OpenMS: 1, Probes: 1}
		change(&d)
		var invalid *InvalidError
		if err := e.Submit(t.Context(), d); !errors.As(err, &invalid) || invalid.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// chain is a saga of n steps in a row.
func chain(p *Participant, n int) saga.Definition {
	d := saga.Definition{ID: "chain", Name: "chain"}
	for i := range n {
		s := p.Define("x", fmt.Sprintf("s%d compensatable", i)).Steps[0]
		d.Steps = append(d.Steps, s)
	}
	return d
}

// dense is a saga in which the first step has no predecessor, and each other one
// names the first thousand times.
func dense(p *Participant, names int) saga.Definition {
	d := chain(p, 100)
	for i := 1; i < len(d.Steps); i++ {
		d.Steps[i].After = strings.Fields(strings.Repeat("s0 ", names))
	}
	return d
}

// What an earlier version accepted keeps to the bounds too: no time overflows, and no
// breaker takes the process with it.
func TestStoredNumbersAreBounded(t *testing.T) {
	huge := saga.RetryPolicy{MaxAttempts: math.MaxInt64, InitialIntervalMS: math.MaxInt64, Multiplier: 1000, MaxIntervalMS: math.MaxInt64, Jitter: 1, AttemptTimeoutMS: math.MaxInt64, DeadlineMS: math.MaxInt64}
	b := &saga.Breaker{Name: "b", Failures: 1, OpenMS: math.MaxInt64, Probes: math.MaxInt64 - 5}
	d := saga.Definition{ID: "s", Steps: []saga.Step{{Name: "a", Kind: saga.Compensatable, Action: saga.Call{URL: "http://x", Retry: huge, Breaker: b}}}}
	c := newState(d, nil).call(Ref{0, saga.Action})
	if c.Retry.AttemptTimeout() != bounds.AttemptTimeout || openFor(*c.Breaker) != bounds.Duration {
		t.Error(c.Retry, c.Breaker)
	}
	br := newBreaker(*c.Breaker, rules)
	done, _ := br.acquire()
	done(CallFailed)
	br.mu.Lock()
	br.until = time.Now()
	br.mu.Unlock()
	if _, ok := br.acquire(); !ok { // half open
		t.Error("no probe")
	}
	for n := 2; n < 3000; n++ {
		if lo, hi := band(c.Retry, n); lo < 0 || hi < lo || hi > 2*bounds.Duration {
			t.Fatal(n, lo, hi)
		}
	}
}

// A policy without pauses may be hasty for some attempts, not for ever.
func TestFloor(t *testing.T) {
	p := saga.RetryPolicy{Multiplier: 1000, AttemptTimeoutMS: 1}
	for n := 2; n < 1000; n++ {
		want := time.Duration(0)
		if n > hastyAttempts {
			want = leastWait
		}
		if lo, hi := band(p, n); lo != want || hi != want {
			t.Fatal(n, lo, hi)
		}
	}
}

// A participant that asks for too long a wait is not obeyed without end, and an
// operator who knows better can end the wait.
func TestRetryNow(t *testing.T) {
	p := NewParticipant(t, nil)
	ask := make(chan string, 1)
	ask <- "100000000"
	slow := httptest.NewServer(retryAfterHandler(ask, p))
	defer slow.Close()
	log := &lockedBuffer{}
	e := OpenTest(t, Options{Logger: slog.New(slog.NewJSONHandler(log, nil))})
	d := p.Define("s", "a compensatable")
	d.Steps[0].Action.URL = slow.URL + "/a"
	SubmitTest(t, e, d)
	for len(ask) > 0 {
		time.Sleep(time.Millisecond)
	}
	srv := httptest.NewServer(e.Handler())
	defer srv.Close()
	for code := 0; code != 202; { // until it waits
		var body string
		if code, body, _ = request(t, "POST", srv.URL+"/sagas/s/retry", ""); code == 409 && !strings.Contains(body, ErrNothingWaits.Error()) {
			t.Fatal(code, body)
		}
	}
	if got := steps(AwaitStatus(t, e, "s", saga.Completed)); got != "a:succeeded/2" {
		t.Error(got)
	}
	if err := e.RetryNow(t.Context(), "s"); !errors.Is(err, ErrNothingWaits) {
		t.Error(err)
	}
	for _, want := range []string{`"msg":"Retry-After is too long","saga":"s","step":"a","direction":"action","attempt":1,`, `"asked":"100000000","waits":"1h0m0s"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%s is not in\n%s", want, log)
		}
	}
	if err := e.RetryNow(t.Context(), "none"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

// A call under way does not wait: there is nothing to be hurried.
func TestRetryNowOfACallUnderWay(t *testing.T) {
	hold := make(chan struct{})
	p := NewParticipant(t, func(SeenCall) int { <-hold; return 0 })
	e := OpenTest(t, Options{})
	SubmitTest(t, e, p.Define("s", "a compensatable"))
	p.AwaitCall(t, "a", 1)
	if err := e.RetryNow(t.Context(), "s"); !errors.Is(err, ErrNothingWaits) {
		t.Error(err)
	}
	close(hold)
	AwaitStatus(t, e, "s", saga.Completed)
}

func TestDefinitionRoundTrip(t *testing.T) {
	d := chain(NewParticipant(t, nil), 3)
	b, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeDefinition(strings.NewReader(string(b)))
	if err != nil || sameDefinition(d, got) != nil {
		t.Error(err)
	}
}
