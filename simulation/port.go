package simulation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/participants"
)

// Port is the way of one process to the services. When the process is killed its calls
// never return, as those of a process that is no more.
type Port struct {
	cell   *Cell
	killed chan struct{}
}

// Port is that of a new process.
func (c *Cell) Port() *Port { return &Port{cell: c, killed: make(chan struct{})} }

// Kill ends the process of the port. It may be called once.
func (p *Port) Kill() { close(p.killed) }

var errOver = errors.New("sagacheck: this plan is over")

// patience is how long after the end of its cell code may call and be told so. A goroutine
// that goes on calling all the same is ended, since its bubble would never be.
const patience = time.Minute

// RoundTrip carries one call. One whose context has ended already sends nothing, as with the
// Transport of net/http.
func (p *Port) RoundTrip(r *http.Request) (*http.Response, error) {
	c := p.cell
	body, err := read(r)
	switch {
	case err != nil:
		return nil, err
	case c.ctx.Err() != nil || p.dead():
		return nil, p.silence()
	}
	c.count(r)
	if r.Context().Err() != nil {
		return nil, context.Cause(r.Context())
	}
	called, err := c.Route(r, body)
	if err != nil {
		c.Rec.Add(history.Event{Kind: history.CallUnmatched, Request: called.Seen, Detail: err.Error()})
		c.Trouble(err)
		called.Answer = &participants.Answer{Code: http.StatusNotImplemented, Title: "unknown call", Detail: err.Error()}
	}
	switch {
	case called.Answer != nil:
		return p.pass(r, func() participants.Answer { return *called.Answer })
	case called.Pass != nil:
		return p.pass(r, called.Pass)
	}
	if c.refuses(called.Op) {
		c.wait(travel)
		return nil, netError("dial", os.NewSyscallError("connect", syscall.ECONNREFUSED))
	}
	x := c.exchange(p, r, body, called)
	c.background(x.run)
	select {
	case got := <-x.arrived:
		return x.take(got)
	case <-r.Context().Done():
		x.end(reply{})
		return nil, p.given(r)
	case <-p.killed:
	case <-c.ctx.Done():
	}
	x.end(reply{})
	return nil, p.silence()
}

// pass answers a call of no operation. It takes its time, too, else code that calls again at
// once would stop the clock.
func (p *Port) pass(r *http.Request, answer func() participants.Answer) (*http.Response, error) {
	c := p.cell
	came := make(chan participants.Answer, 1)
	c.background(func() {
		c.wait(travel)
		a := answer()
		c.wait(travel)
		came <- a
	})
	select {
	case a := <-came:
		if a.Hangup {
			return nil, reset().err
		}
		return whole(r, a).response(0, nil), nil
	case <-r.Context().Done():
		return nil, p.given(r)
	case <-p.killed:
	case <-c.ctx.Done():
	}
	return nil, p.silence()
}

// given is what a call gets whose context has ended, unless its process was killed in the same
// instant.
func (p *Port) given(r *http.Request) error {
	if p.dead() {
		return p.silence()
	}
	return context.Cause(r.Context())
}

func (p *Port) dead() bool {
	select {
	case <-p.killed:
		return true
	default:
		return false
	}
}

// silence is what becomes of a call for which nobody is there any more: it waits for the
// end of the cell, and then a second, since code that calls again at once would stop the
// clock, and would never be ended.
func (p *Port) silence() error {
	c := p.cell
	<-c.ctx.Done()
	time.Sleep(time.Second)
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.over) > patience {
		runtime.Goexit()
	}
	return errOver
}

func read(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("the body of the request: %w", err)
	}
	return b, nil
}

func netError(op string, err error) error { return &net.OpError{Op: op, Net: "tcp", Err: err} }

// answer is one as its bytes are on their way.
type answer struct {
	request *http.Request
	code    int
	header  http.Header
	head    int // bytes of it
	body    []byte
}

// whole is a participant's answer to a request.
func whole(r *http.Request, a participants.Answer) answer {
	h, body := a.Content(time.Now())
	head := len("HTTP/1.1 200 ") + len(http.StatusText(a.Code)) + len("\r\n\r\n")
	for name, values := range h {
		head += len(name) + len(": \r\n") + len(strings.Join(values, ","))
	}
	return answer{request: r, code: a.Code, header: h, head: head, body: body}
}

func (a answer) size() int { return a.head + len(a.body) }

// response is the answer as far as its body came: without the last bytes (missing), in
// whose place tail stands.
func (a answer) response(missing int, tail io.ReadCloser) *http.Response {
	came := bytes.NewReader(a.body[:len(a.body)-missing])
	body := io.NopCloser(came)
	if tail != nil {
		body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(came, tail), tail}
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", a.code, http.StatusText(a.code)), StatusCode: a.code, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.header, ContentLength: int64(len(a.body)), Body: body, Request: a.request,
	}
}
