package reference

import (
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/reference/bounds"
	"github.com/sagacheck/sagacheck/reference/definitions"
	"github.com/sagacheck/sagacheck/saga"
)

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
	log := &testparticipant.Log{}
	e := OpenTest(t, Options{Logger: slog.New(slog.NewJSONHandler(log, nil))})
	d := p.Define("s", "a compensatable")
	d.Steps[0].Action.URL = slow.URL + "/a"
	SubmitTest(t, e, d)
	for len(ask) > 0 {
		time.Sleep(time.Millisecond)
	}
	for e.RetryNow(t.Context(), "s") != nil { // until it waits
		time.Sleep(time.Millisecond)
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
	d := NewParticipant(t, nil).Chain(3)
	b, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	got, err := definitions.Decode(strings.NewReader(string(b)))
	if err != nil || sameDefinition(d, got) != nil {
		t.Error(err)
	}
}
