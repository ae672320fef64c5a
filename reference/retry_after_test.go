package reference

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for v, want := range map[string]struct {
		at  time.Time
		cut bool
	}{
		"2": {now.Add(2 * time.Second), false}, "0": {now, false}, "": {}, "-1": {}, "+1": {}, "soon": {}, "1e9": {},
		"3600": {now.Add(time.Hour), false}, "3601": {now.Add(time.Hour), true},
		"100000000": {now.Add(time.Hour), true}, "9000000000000000000": {now.Add(time.Hour), true},
		strings.Repeat("9", 400):        {now.Add(time.Hour), true},
		"Fri, 02 Jan 2026 03:04:15 GMT": {now.Add(10 * time.Second), false},
		"Fri, 02 Jan 2099 03:04:15 GMT": {now.Add(time.Hour), true},
		"Fri, 02 Jan 2026 03:04:00 GMT": {now.Add(-5 * time.Second), false},
	} {
		if at, cut := retryAfter(v, now); !at.Equal(want.at) || cut != want.cut {
			t.Errorf("%.40q: %v, %v, want %v", v, at, cut, want)
		}
	}
	d := saga.Definition{ID: "s", Steps: []saga.Step{{Name: "a", Action: saga.Call{Retry: retry(3)}}}}
	e := &Executor{rules: rules}
	o := operation{run: &run{e: e}, op: e.Op(d, Ref{0, saga.Action})}
	if due := o.nextDue(1, now, now.Add(time.Second)); !due.Equal(now.Add(time.Second)) {
		t.Error(due)
	}
}

// TestRetryAfterOfAnyTransientAnswer: which code it comes with does not matter.
func TestRetryAfterOfAnyTransientAnswer(t *testing.T) {
	for code, want := range map[int]bool{408: true, 409: true, 425: true, 429: true, 500: true, 502: true, 503: true, 504: true, 200: false, 422: false} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "2")
			w.WriteHeader(code)
		}))
		e := OpenTest(t, Options{})
		at := e.Op(saga.Definition{Steps: []saga.Step{{Action: saga.Call{URL: s.URL}}}}, Ref{0, saga.Action}).Attempt(1)
		a, err := e.post(t.Context(), &at)
		if err != nil || !a.NotBefore.IsZero() != want {
			t.Errorf("%d: %+v, %v", code, a, err)
		}
		s.Close()
	}
}
