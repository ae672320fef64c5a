package wire

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
)

// habit is a way in which real clients speak HTTP/1.x.
type habit struct {
	name string
	// lines changes the head, a line each, the request line first.
	lines func([]string) []string
	// pad is how many blanks are put before the body.
	pad int
	// send writes the request; nil: at once.
	send func(c peerConn, in *bufio.Reader, head, body string) error
	// spare: it opens a connection that it never uses.
	spare bool
	// after is done with the connection when the answer is there.
	after func(c peerConn)
}

func habits() []habit {
	line := func(l ...string) func([]string) []string {
		return func(lines []string) []string { return append(lines, l...) }
	}
	return []habit{
		{name: "at once"},
		{name: "head, then body", send: func(c peerConn, _ *bufio.Reader, head, body string) error {
			return write(c, 2*time.Millisecond, head, body)
		}},
		{name: "byte by byte", send: func(c peerConn, _ *bufio.Reader, head, body string) error {
			return write(c, 0, strings.Split(head+body, "")...)
		}},
		{name: "split inside the end of the head", send: func(c peerConn, _ *bufio.Reader, head, body string) error {
			n := len(head) - 1
			return write(c, 2*time.Millisecond, head[:1], head[1:n-2], head[n-2:n-1], head[n-1:n], head[n:]+body[:1], body[1:])
		}},
		{name: "Expect: 100-continue", lines: line("Expect: 100-continue"), send: whenTold},
		{name: "Expect: 100-continue, but does not wait", lines: line("Expect: 100-continue")},
		{name: "chunked", lines: chunkedLines, send: chunks("")},
		{name: "chunked with trailers", lines: chunkedLines, send: chunks("X-Sum: 1\r\nX-Other: 2\r\n")},
		{name: "HTTP/1.0", lines: func(lines []string) []string {
			lines[0] = strings.Replace(lines[0], "HTTP/1.1", "HTTP/1.0", 1)
			return lines
		}},
		{name: "absolute target", lines: func(lines []string) []string {
			lines[0] = strings.Replace(lines[0], " /", " http://pay.example/", 1)
			return lines
		}},
		{name: "lower-case header names", lines: func(lines []string) []string {
			for i := range lines[1:] {
				name, value, _ := strings.Cut(lines[i+1], ":")
				lines[i+1] = strings.ToLower(name) + ":" + strings.TrimSpace(value)
			}
			return lines
		}},
		{name: "odd header names", lines: line("x_under_score: 1", "X!#$%&'*+-.^`|~0: odd", "x-empty:", "X-Twice: a", "X-Twice: b")},
		{name: "64 KiB of headers", lines: line(strings.Split(strings.TrimSuffix(strings.Repeat("X-Context: "+strings.Repeat("x", 1000)+"\n", 65), "\n"), "\n")...)},
		{name: "a body of 200 KiB", pad: 200 << 10},
		{name: "a body of 10 MiB", pad: 10 << 20},
		{name: "half close", send: func(c peerConn, _ *bufio.Reader, head, body string) error {
			err := write(c, 0, head+body)
			// The connection may be reset by now. The kernel tells it once: to the end of TLS,
			// which is written, or else, as to plain TCP, to who reads.
			if end := c.CloseWrite(); err == nil && wasReset(end) {
				err = end
			}
			return err
		}, after: func(c peerConn) { _, _ = io.Copy(io.Discard, c) }}, // until the other side ends as well
		{name: "reset after the answer", after: func(c peerConn) { _ = c.SetLinger(0) }},
		{name: "spare connection", spare: true},
		{name: "something behind it", send: func(c peerConn, _ *bufio.Reader, head, body string) error {
			return write(c, 0, head+body+"\r\nPOST /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
		}},
	}
}

func chunkedLines(lines []string) []string {
	for i, l := range lines {
		if strings.HasPrefix(l, "Content-Length") {
			lines[i] = "Transfer-Encoding: chunked"
		}
	}
	return lines
}

func write(c peerConn, pause time.Duration, pieces ...string) error {
	for i, p := range pieces {
		if i > 0 && pause > 0 {
			time.Sleep(pause) // the client's own pace
		}
		if _, err := io.WriteString(c, p); err != nil {
			return err
		}
	}
	return nil
}

// whenTold sends the body when the server has said so, as RFC 9110 10.1.1 has it.
func whenTold(c peerConn, in *bufio.Reader, head, body string) error {
	if err := write(c, 0, head); err != nil {
		return err
	}
	begin, err := in.Peek(len("HTTP/1.1 100"))
	if err != nil || string(begin) != "HTTP/1.1 100" {
		return err // a final answer, or none
	}
	for l := "."; strings.TrimSpace(l) != ""; {
		if l, err = in.ReadString('\n'); err != nil {
			return err
		}
	}
	return write(c, 0, body)
}

func chunks(trailer string) func(peerConn, *bufio.Reader, string, string) error {
	return func(c peerConn, _ *bufio.Reader, head, body string) error {
		n := len(body) / 2
		return write(c, time.Millisecond, head, fmt.Sprintf("%x;note=1\r\n%s\r\n", n, body[:n]), fmt.Sprintf("%x\r\n%s\r\n", len(body)-n, body[n:]), "0\r\n"+trailer+"\r\n")
	}
}

// peerConn is the client's side of a connection, plain or not.
type peerConn interface {
	net.Conn
	CloseWrite() error
	SetLinger(sec int) error
}

// way is how a client gets to a service.
type way struct {
	host string
	dial func() (peerConn, error)
}

func straight(addr string) way {
	return way{addr, func() (peerConn, error) {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return nil, err
		}
		return c.(*net.TCPConn), nil
	}}
}

// call makes one call, and tells the answer's code, or how it failed. The client's
// time-out fires when it is told to.
func (h habit) call(w way, path, body string, timeout <-chan struct{}) (code int, err error) {
	if h.spare {
		spare, err := w.dial()
		if err != nil {
			return 0, err
		}
		defer spare.Close()
	}
	c, err := w.dial()
	if err != nil {
		return 0, err
	}
	defer c.Close()
	over := make(chan struct{})
	defer close(over)
	go func() {
		select {
		case <-timeout:
			_ = c.SetDeadline(time.Now()) // fails only on a closed connection
		case <-over:
		}
	}()
	lines := []string{
		"POST " + path + " HTTP/1.1", "Host: " + w.host, "Content-Length: " + strconv.Itoa(len(body)),
		"Content-Type: application/json", `Idempotency-Key: "k"`, "Saga-Id: c-1", "Saga-Step: pay",
	}
	if h.lines != nil {
		lines = h.lines(lines)
	}
	send := h.send
	if send == nil {
		send = func(c peerConn, _ *bufio.Reader, head, body string) error { return write(c, 0, head+body) }
	}
	in := bufio.NewReader(c)
	if err := send(c, in, strings.Join(lines, "\r\n")+"\r\n\r\n", body); err != nil {
		return 0, err
	}
	for {
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			return 0, err
		}
		if resp.StatusCode < 200 {
			continue
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			return 0, err
		}
		if h.after != nil {
			h.after(c)
		}
		return resp.StatusCode, nil
	}
}

// rig is a wire with participants behind it, and one operation.
type rig struct {
	wire *Wire
	srv  *participants.Server
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{wire: New()}
	var err error
	if r.srv, err = participants.Serve(r.wire.Resolve); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(r.wire.Close(), r.srv.Close()); err != nil {
			t.Error(err)
		}
	})
	return r
}

var pay = saga.Operation{Saga: "c-1", Step: "pay", Direction: saga.Action}

const payPath = "/sagas/c-1/steps/pay/action"

// cell is a cell of one operation.
func (r *rig) cell(t *testing.T, p faults.Plan, target Target) (*Injector, *Endpoint, *history.Recorder) {
	t.Helper()
	rec := history.NewRecorder(history.Header{})
	in, err := NewInjector(r.wire, Setup{Plan: p, Sagas: []string{"c-1"}, Service: func(string) string { return "bank" }, Rec: rec, Target: target})
	if err != nil {
		t.Fatal(err)
	}
	world := participants.NewWorld(participants.Naive, nil, rec, in.Hook, nil)
	ep := lease(t, r.wire)
	in.Script(ep, pay, payPath, Upstream{Addr: r.srv.Addr()}, 0, world)
	in.Begin()
	return in, ep, rec
}

// quiet waits until nothing is under way.
func quiet(t *testing.T, in *Injector) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); in.Pending() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d calls or faults are still under way", in.Pending())
		}
	}
}

func TestHabitsOfClients(t *testing.T) {
	r := newRig(t)
	for _, h := range habits() {
		for _, p := range strikes() {
			if h.pad > 1<<20 && p.fault.Kind != "" && p.fault.Kind != "delay" && p.fault.Kind != "duplicate" {
				continue // megabytes take their time; those must come whole
			}
			name := "no fault"
			var plan faults.Plan
			if p.fault.Kind != "" {
				name = p.fault.String()
				plan.Faults = []faults.Fault{p.fault}
			}
			t.Run(h.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				in, ep, rec := r.cell(t, plan, nil)
				body := strings.Repeat(" ", h.pad) + string(saga.Effect{Postings: []saga.Posting{{Account: "bank/a", Amount: -1, Unit: "EUR"}, {Account: "bank/b", Amount: 1, Unit: "EUR"}}}.Body())
				code, err := h.call(straight(ep.Addr()), payPath, body, p.timeout(rec))
				quiet(t, in)
				if err := in.Close(); err != nil {
					t.Errorf("trouble of ours: %v", err)
				}
				r.wire.Release([]*Endpoint{ep})
				p.check(t, rec.Close(), code, err)
			})
		}
	}
}

// silence is how long a client is kept waiting for nothing.
const silence = 50 * time.Millisecond

// timeout fires for a client that gets no answer, some time after the fault has
// struck; for all others never.
func (p strike) timeout(rec *history.Recorder) <-chan struct{} {
	c := make(chan struct{})
	if p.fault.Kind != "lose" && p.fault.Kind != "stall-body" {
		return c
	}
	go func() {
		for fired := false; !fired; time.Sleep(time.Millisecond) {
			events, _ := rec.Since(0)
			fired = slices.ContainsFunc(events, func(e history.Event) bool { return e.Kind == history.FaultFired })
		}
		time.Sleep(silence)
		close(c)
	}()
	return c
}

// check compares what the client and the history saw with what the fault is.
func (p strike) check(t *testing.T, h *history.History, code int, err error) {
	t.Helper()
	n := map[history.Kind]int{}
	var sent, end history.Event
	copies := 0
	for _, e := range h.Events {
		n[e.Kind]++
		switch {
		case e.Kind == history.CallEnded:
			end = e
		case e.Kind == history.CallSent:
			sent = e
		case e.Kind == history.CallReceived && e.Copy > 0:
			copies++
		}
	}
	if p.answered != (code == 200 && err == nil) || p.fails != nil && !p.fails(err) {
		t.Errorf("the client saw %d, %v", code, err)
	}
	if n[history.CallSent] != 1 || n[history.CallEnded] != 1 || n[history.CallStray] != 0 {
		t.Errorf("attempts: %v", n)
	}
	if sent.Key != "k" || sent.SagaID != "c-1" || sent.StepID != "pay" {
		t.Errorf("headers: %+v", sent)
	}
	if n[history.CallCommitted] != p.done || copies != max(p.done-1, 0) {
		t.Errorf("done %d times, expected %d; %d copies", n[history.CallCommitted], p.done, copies)
	}
	if want := min(len(p.fault.Kind), 1); n[history.FaultFired] != want {
		t.Errorf("fired %d times", n[history.FaultFired])
	}
	if end.Partial != p.partial || (end.Code == 200) != (p.answered || p.partial) || (end.Acked > 0) != p.answered {
		t.Errorf("recorded as code %d, partial: %v, acknowledged at %v", end.Code, end.Partial, end.Acked)
	}
	if p.up > 0 && end.Up != p.up || p.down > 0 && end.Down != p.down {
		t.Errorf("%d bytes up, %d down", end.Up, end.Down)
	}
}
