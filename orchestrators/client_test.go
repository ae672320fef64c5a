package orchestrators

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

func definition(id string) saga.Definition {
	p := saga.RetryPolicy{MaxAttempts: 3, InitialIntervalMS: 5, Multiplier: 2, MaxIntervalMS: 50, AttemptTimeoutMS: 500}
	return saga.Definition{ID: id, Name: "test", Steps: []saga.Step{
		{Name: "one", Kind: saga.Compensatable, Action: saga.Call{URL: "http://127.0.0.1:1/", Retry: p}},
	}}
}

// serve starts a server that answers everything with h and counts connections.
func serve(t *testing.T, h http.HandlerFunc) (base string, conns *atomic.Int32) {
	t.Helper()
	conns = &atomic.Int32{}
	s := httptest.NewUnstartedServer(h)
	s.Config.ConnState = func(_ net.Conn, st http.ConnState) {
		if st == http.StateNew {
			conns.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s.URL, conns
}

func closeClient(t *testing.T, c Client) {
	t.Helper()
	t.Cleanup(func() {
		if err := c.(io.Closer).Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestContractSubmitUsesFreshConnections(t *testing.T) {
	base, conns := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var d saga.Definition
		if err := json.NewDecoder(r.Body).Decode(&d); err != nil || d.ID != "s1" || r.URL.Path != "/sagas" {
			t.Errorf("%s %s: id %q, %v", r.Method, r.URL, d.ID, err)
		}
		w.WriteHeader(http.StatusAccepted)
	})
	c := NewContract(base + "/")
	closeClient(t, c)
	for range 3 {
		if code, err := c.Submit(t.Context(), definition("s1")); code != 202 || err != nil {
			t.Fatalf("Submit = %d, %v", code, err)
		}
	}
	if n := conns.Load(); n != 3 {
		t.Errorf("three submissions used %d connections: expected 3", n)
	}
}

func TestContractSubmitIsNotResent(t *testing.T) {
	var calls atomic.Int32
	base, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		c.Close()
	})
	c := NewContract(base)
	closeClient(t, c)
	if code, err := c.Submit(t.Context(), definition("s1")); code != 0 || err == nil {
		t.Errorf("Submit = %d, %v: expected 0 and an error", code, err)
	}
	if n := calls.Load(); n != 1 {
		t.Errorf("the saga was sent %d times: expected once", n)
	}
}

func TestContractReport(t *testing.T) {
	base, conns := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.EscapedPath() {
		case "/sagas/a%2Fb":
			io.WriteString(w, `{"id":"a/b","status":"completed","steps":[{"name":"one","status":"succeeded","attempts":1}]}`)
		case "/sagas/odd":
			io.WriteString(w, `{"id":"odd","status":"fine"}`)
		case "/sagas/other":
			io.WriteString(w, `{"id":"else","status":"running"}`)
		case "/sagas/html":
			io.WriteString(w, "<html>"+strings.Repeat("x", 500))
		case "/sagas/broken":
			http.Error(w, "no store", http.StatusInternalServerError)
		default:
			http.NotFound(w, r)
		}
	})
	c := NewContract(base)
	closeClient(t, c)
	r, code, err := c.Report(t.Context(), "a/b")
	if err != nil || code != 200 || r.Status != saga.Completed || len(r.Steps) != 1 {
		t.Errorf("Report = %+v, %d, %v", r, code, err)
	}
	if _, code, err := c.Report(t.Context(), "nobody"); code != 404 || err != nil {
		t.Errorf("unknown saga: %d, %v: expected 404 and no error", code, err)
	}
	for id, want := range map[string]string{
		"odd": `status: "fine": expected running`, "other": `id: "else": expected "other"`,
		"html": "invalid character", "broken": `answered 500 Internal Server Error "no store"`,
	} {
		_, _, err := c.Report(t.Context(), id)
		var ae *AnswerError
		if !errors.As(err, &ae) || !strings.Contains(err.Error(), want) || len(ae.Body) > excerptLength || Malformed(err) != (id != "broken") {
			t.Errorf("Report(%q): %v: expected an answer error with %q", id, err, want)
		}
	}
	if n := conns.Load(); n != 1 {
		t.Errorf("six polls used %d connections: expected 1", n)
	}
}

// TestPuzzle: one answer that can't be understood may be a moment's; a row of them,
// for a while, is not. Any other answer ends the row.
func TestPuzzle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		odd := malformed(http.MethodGet, "/sagas/1", 200, nil, "unexpected end of JSON input")
		var p Puzzle
		for i, step := range []struct {
			err      error
			after    time.Duration
			hopeless bool
		}{
			{odd, 0, false},
			{odd, malformedLimit - 1, false},
			{nil, 1, false},
			{odd, time.Hour, false},
			{errors.New("refused"), time.Hour, false},
			{odd, time.Hour, false},
			{odd, malformedLimit, true},
		} {
			time.Sleep(step.after)
			if got := p.Hopeless(step.err); got != step.hopeless {
				t.Errorf("answer %d: hopeless %v, want %v", i+1, got, step.hopeless)
			}
		}
	})
}

func TestAttach(t *testing.T) {
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" {
			io.WriteString(w, `{"name":"mine","version":"2","capabilities":["dag"]}`)
			return
		}
		http.NotFound(w, r)
	})
	s, err := Attach(t.Context(), base)
	if err != nil {
		t.Fatal(err)
	}
	if i := s.Info(); i.Name != "mine" || i.Version != "2" || len(i.Capabilities) != 1 {
		t.Errorf("Info = %+v", i)
	}
	if err := s.Kill(t.Context()); !errors.Is(err, ErrCannotKill) {
		t.Errorf("Kill = %v: expected ErrCannotKill", err)
	}
	if err := errors.Join(s.Alive(), s.Stop(t.Context())); err != nil {
		t.Error(err)
	}
}

// What a server calls itself stands in the last line of a run, on a terminal.
func TestAttachNamesInOneLine(t *testing.T) {
	for said, want := range map[string]string{
		`"mi\u001b[31mne"`:                   "mi [31mne",
		`" two\nlines\u202e "`:               "two lines",
		`"\u0000"`:                           "host:1",
		`"` + strings.Repeat("é", 200) + `"`: strings.Repeat("é", 99) + "…",
	} {
		if got, _ := infoFromHealth([]byte(`{"name":`+said+`,"version":`+said+`}`), "host:1"); got.Name != want || got.Version != want && want != "host:1" {
			t.Errorf("%s: name %q, version %q, want %q", said, got.Name, got.Version, want)
		}
	}
}

// A server that takes connections and says nothing is told apart from one that is not there.
func TestAttachToAMuteServer(t *testing.T) {
	base, _ := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	if _, err := attach(t.Context(), base, 20*time.Millisecond); err == nil || !strings.Contains(err.Error(), "orchestrator at "+base+": no answer within 20ms: ") {
		t.Errorf("attach: %v", err)
	}
}

// Whoever waits for a server outlasts refused connections, ones that end without an answer, and errors.
func TestAwaitURL(t *testing.T) {
	var tries atomic.Int32
	base, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		switch tries.Add(1) {
		case 1:
			panic(http.ErrAbortHandler)
		case 2:
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	if err := AwaitURL(t.Context(), base, time.Minute); err != nil || tries.Load() != 3 {
		t.Errorf("after %d tries: %v", tries.Load(), err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := AwaitURL(t.Context(), "http://"+addr, 20*time.Millisecond); err == nil || !strings.Contains(err.Error(), "http://"+addr+": not ready after 20ms: ") {
		t.Errorf("nobody there: %v", err)
	}
}

func TestAttachRefuses(t *testing.T) {
	yes, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") })
	teapot, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "short and stout", http.StatusTeapot) })
	odd, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"name":"odd","capabilities":["flight"]}`)
	})
	for base, want := range map[string]string{
		"localhost:80":        "expected http://host:port",
		"http://127.0.0.1:1/": "connection refused",
		teapot:                `answered 418 I'm a teapot "short and stout": expected 200`,
		yes:                   `answered 200 OK "ok": invalid character`,
		odd:                   `capabilities[0]: "flight": expected one of dag`,
	} {
		if _, err := Attach(context.Background(), base); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Attach(%q): %v: expected %q", base, err, want)
		}
	}
}
