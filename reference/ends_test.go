package reference

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

func modeOf(t *testing.T, file string) os.FileMode {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func remove(t *testing.T, file string) {
	t.Helper()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
}

// A server that is asked to end lets the calls under way end, and counts them.
func TestDrain(t *testing.T) {
	hold := make(chan struct{})
	p := NewParticipant(t, func(c SeenCall) int {
		if c.Op == "a" {
			<-hold
		}
		return 0
	})
	file := filepath.Join(t.TempDir(), "sagas.db")
	s := serve(t, ServeOptions{Options: Options{StoreDSN: file}})
	s.health(t, "ready")
	text, err := jsonOf(p.Define("s", "a compensatable", "b compensatable"))
	if err != nil {
		t.Fatal(err)
	}
	if code, body, _ := request(t, "POST", s.base+"/sagas", text); code != 202 {
		t.Fatal(code, body)
	}
	p.AwaitCall(t, "a", 1)
	s.stop()
	s.health(t, "draining")
	if code, body, _ := request(t, "POST", s.base+"/sagas", strings.Replace(text, `"id":"s"`, `"id":"late"`, 1)); code != 503 {
		t.Error(code, body)
	}
	close(hold)
	if err := <-s.ended; err != nil {
		t.Fatal(err)
	}
	if n := len(p.Of("b")); n > 0 {
		t.Error(n, "new calls while draining")
	}
	e := OpenTest(t, Options{StoreDSN: file})
	if got := steps(AwaitStatus(t, e, "s", saga.Completed)); got != "a:succeeded/1 b:succeeded/1" {
		t.Error(got)
	}
}

// What is cut off when the time is over costs no attempt.
func TestAbortedCallCostsNoAttempt(t *testing.T) {
	hold := make(chan struct{})
	var calls atomic.Int32
	p := NewParticipant(t, func(SeenCall) int {
		if calls.Add(1) <= 3 {
			<-hold
		}
		return 0
	})
	defer close(hold)
	file := filepath.Join(t.TempDir(), "sagas.db")
	d := p.Define("s", "a compensatable")
	d.Steps[0].Action.Retry.MaxAttempts = 1
	for i := range 3 {
		s := serve(t, ServeOptions{Options: Options{StoreDSN: file}, Drain: 50 * time.Millisecond})
		s.health(t, "ready")
		text, err := jsonOf(d)
		if err != nil {
			t.Fatal(err)
		}
		if code, body, _ := request(t, "POST", s.base+"/sagas", text); code != 202 {
			t.Fatal(code, body)
		}
		p.AwaitCall(t, "a", i+1)
		s.stop()
		if err := <-s.ended; err != nil {
			t.Fatal(err)
		}
	}
	e := OpenTest(t, Options{StoreDSN: file})
	if got := steps(AwaitStatus(t, e, "s", saga.Completed)); got != "a:succeeded/4" {
		t.Error(got)
	}
}

// A client that sends half a request does not hold a server that ends.
func TestHalfARequestHoldsNothing(t *testing.T) {
	s := serve(t, ServeOptions{Options: Options{StoreDSN: filepath.Join(t.TempDir(), "sagas.db")}})
	s.health(t, "ready")
	c, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "POST /sagas HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"id\":")
	s.health(t, "ready")
	began := time.Now()
	s.stop()
	if err := <-s.ended; err != nil || time.Since(began) > requestTimeout-2*time.Second {
		t.Error(err, time.Since(began))
	}
}

// shortTransport has no descriptors for some calls.
type shortTransport struct {
	http.RoundTripper
	left atomic.Int32
}

func (s *shortTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.left.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "dial", Err: os.NewSyscallError("socket", syscall.EMFILE)}
	}
	return s.RoundTripper.RoundTrip(r)
}

// A call that could not leave was no attempt, and no failure of its participant.
func TestOwnShortageIsNobodysFailure(t *testing.T) {
	p := NewParticipant(t, Scripted("b * 422"))
	e := OpenTest(t, Options{})
	short := &shortTransport{RoundTripper: e.client.Transport}
	short.left.Store(10)
	e.client.Transport = short
	b := &saga.Breaker{Name: "bank", Failures: 1, OpenMS: 3_600_000, Probes: 1}
	for i := range 5 {
		d := p.Define("s"+itoa(i), "a compensatable")
		d.Steps[0].Action.Breaker, d.Steps[0].Action.Retry.MaxAttempts = b, 1
		SubmitTest(t, e, d)
	}
	for i := range 5 {
		if got := steps(AwaitStatus(t, e, "s"+itoa(i), saga.Completed)); got != "a:succeeded/1" {
			t.Error(got)
		}
	}
}

// Calls beyond the room there is wait, and are attempts only when they leave.
func TestCallsAreBounded(t *testing.T) {
	var now, most atomic.Int32
	p := NewParticipant(t, func(SeenCall) int {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(2 * time.Millisecond) // so that they overlap
		now.Add(-1)
		return 0
	})
	e := OpenTest(t, Options{calls: 3})
	for i := range 30 {
		SubmitTest(t, e, p.Define("s"+itoa(i), "a compensatable -", "b compensatable -"))
	}
	for i := range 30 {
		if got := steps(AwaitStatus(t, e, "s"+itoa(i), saga.Completed)); got != "a:succeeded/1 b:succeeded/1" {
			t.Error(got)
		}
	}
	if m := most.Load(); m > 3 {
		t.Error(m, "calls at once")
	}
}

// Connections beyond the room there is are answered, and leave room again.
func TestConnectionsAreBounded(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &httptest.Server{Listener: limitListener(l, 2), Config: &http.Server{Handler: http.NotFoundHandler()}}
	srv.Start()
	defer srv.Close()
	var held []net.Conn
	for range 2 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		held = append(held, c)
	}
	for code := 0; code != 503; {
		code, _, _ = tryRequest(t, "GET", srv.URL, "")
	}
	held[0].Close()
	for code := 0; code != 404; {
		code, _, _ = tryRequest(t, "GET", srv.URL, "")
	}
}
