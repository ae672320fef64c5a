package api

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

// A server that is asked to end lets the calls under way end, and counts them.
func TestDrain(t *testing.T) {
	hold := make(chan struct{})
	p := testparticipant.New(t, func(c testparticipant.Call) int {
		if c.Op == "a" {
			<-hold
		}
		return 0
	})
	file := filepath.Join(t.TempDir(), "sagas.db")
	s := serve(t, ServeOptions{Options: reference.Options{StoreDSN: file}})
	s.health(t, "ready")
	text := testparticipant.JSON(t, p.Define("s", "a compensatable", "b compensatable"))
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
	e := openTest(t, reference.Options{StoreDSN: file})
	if got := testparticipant.Steps(awaitStatus(t, e, "s", saga.Completed)); got != "a:succeeded/1 b:succeeded/1" {
		t.Error(got)
	}
}

// What is cut off when the time is over costs no attempt.
func TestAbortedCallCostsNoAttempt(t *testing.T) {
	hold := make(chan struct{})
	var calls atomic.Int32
	p := testparticipant.New(t, func(testparticipant.Call) int {
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
		s := serve(t, ServeOptions{Options: reference.Options{StoreDSN: file}, Drain: 50 * time.Millisecond})
		s.health(t, "ready")
		text := testparticipant.JSON(t, d)
		if code, body, _ := request(t, "POST", s.base+"/sagas", text); code != 202 {
			t.Fatal(code, body)
		}
		p.AwaitCall(t, "a", i+1)
		s.stop()
		if err := <-s.ended; err != nil {
			t.Fatal(err)
		}
	}
	e := openTest(t, reference.Options{StoreDSN: file})
	if got := testparticipant.Steps(awaitStatus(t, e, "s", saga.Completed)); got != "a:succeeded/4" {
		t.Error(got)
	}
}

// A client that sends half a request does not hold a server that ends.
func TestHalfARequestHoldsNothing(t *testing.T) {
	s := serve(t, ServeOptions{Options: reference.Options{StoreDSN: filepath.Join(t.TempDir(), "sagas.db")}})
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

// However a client holds a connection, there is an end of it.
func TestConnectionsEnd(t *testing.T) {
	s := newServer(http.NotFoundHandler())
	if s.ReadHeaderTimeout == 0 || s.ReadTimeout == 0 || s.WriteTimeout == 0 || s.IdleTimeout == 0 || s.MaxHeaderBytes == 0 {
		t.Errorf("%+v", s)
	}
	r := httptest.NewRequest("POST", "http://localhost/sagas", io.MultiReader(strings.NewReader("{"), late{}))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	if Handler(openTest(t, reference.Options{})).ServeHTTP(w, r); w.Code != 408 {
		t.Error(w.Code, w.Body)
	}
}

// late is a body of which nothing more comes in time.
type late struct{}

func (late) Read([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }
