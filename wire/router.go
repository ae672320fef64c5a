package wire

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
)

// Router tells what the calls are that come to the one address of a service, to which
// all sagas of an orchestrator's process send theirs.
type Router interface {
	// Route finds out what a request is, which is there as a whole; raw is all of it as it
	// came.
	Route(service string, head *http.Request, body, raw []byte) Routed
	// Trouble takes what is wrong with a call of which nobody knows whose it is.
	Trouble(error)
}

// Routed is what a request is.
type Routed struct {
	Line *Line // where it belongs; nil: nowhere, and Answer is all that happens
	// Handle is what the stand-in service does with it.
	Handle participants.Handler
	// Read: it only asks what was done, and is no attempt at anything.
	Read bool
	// Late is called where the cell of the line is over by now; nil: nobody wants to know.
	Late func()
	// Seen is the request as the history keeps it, and Key its idempotency key, as its service
	// reads it.
	Seen *history.Message
	Key  string
	// Pass is the real service that gets a request which belongs to no saga; nil: none does.
	Pass *Real
	// Answer is given in the place of the service where the request belongs to no saga, and
	// is not passed on.
	Answer participants.Answer
}

// Line is where the calls of one operation of one saga go.
type Line struct{ script *script }

// Line makes the line of an operation. A zero upstream: there is none yet.
func (in *Injector) Line(op saga.Operation, upstream Upstream, timeout time.Duration, world *participants.World) *Line {
	return &Line{&script{op: op, upstream: upstream, timeout: timeout, world: world, in: in}}
}

// Serve makes an endpoint the address of a service until it is released.
func (ep *Endpoint) Serve(service string, r Router) { ep.router.Store(&served{service, r}) }

// served is a service whose calls a router knows.
type served struct {
	service string
	Router
}

// route carries one connection to the address of a service. What a call is only the
// whole request tells, so it is read to its end before anything else happens.
func (ep *Endpoint) route(conn *client, m *message, r served) {
	began := time.Now().Add(-sinceReceived(conn.tcp))
	if head := conn.request(m, r.Trouble); head != nil {
		ep.routeRead(conn, m, head, began, r)
	}
}

// request reads the head of a request; nil: there is none, which the client was told.
func (conn *client) request(m *message, trouble func(error)) *http.Request {
	head, err := m.request()
	switch {
	case err == nil:
		if t, ok := conn.Conn.(*tls.Conn); ok {
			state := t.ConnectionState()
			head.TLS = &state
		}
		return head
	case !brokenOff(err):
		trouble(fmt.Errorf("a request from %s can't be read: %w (it begins with %.60q)", conn.RemoteAddr(), err, m.raw))
		turnAway(conn, m, http.StatusBadRequest, "this is no HTTP request")
	}
	return nil
}

// routeRead is route for a request whose head was read.
func (ep *Endpoint) routeRead(conn *client, m *message, head *http.Request, began time.Time, r served) {
	if expects(head) && !m.whole() {
		_, _ = io.WriteString(conn, goOn) // who is gone is found out by reading
	}
	body, err := m.content()
	switch {
	case err == nil:
	case brokenOff(err): // its client left in the middle: no attempt
		return
	default:
		r.Trouble(fmt.Errorf("the body of %s %s can't be read: %w", head.Method, head.URL.Path, err))
		turnAway(conn, m, http.StatusBadRequest, "this request can't be read")
		return
	}
	to := r.Route(r.service, head, body, m.bytes())
	if to.Pass != nil {
		ep.pass(conn, m, head, *to.Pass, r.Trouble)
		return
	}
	if to.Line == nil {
		h, b := to.Answer.Content(time.Now())
		part(conn, m, to.Answer.Code, h, b)
		return
	}
	ep.exchange(conn, &exchange{script: to.Line.script, req: m, head: head, began: began, handle: to.Handle, seen: to.Seen, key: to.Key, read: to.Read, late: to.Late})
}

// exchange runs an attempt that is known.
func (ep *Endpoint) exchange(conn *client, x *exchange) {
	s := x.script
	if !s.in.fence.enter() {
		if x.late != nil {
			x.late()
		}
		turnAway(conn, x.req, http.StatusGone, titleOver)
		return
	}
	defer s.in.fence.leave()
	defer context.AfterFunc(s.in.ctx, func() { _ = conn.Close() })()
	s.in.rec.Late(time.Since(x.req.at))
	attempt := s.arrive()
	defer s.in.leave()
	s.in.traffic.enter()
	defer s.in.traffic.leave()
	x.number, x.remote, x.handled = ep.wire.exchanges.Add(1), conn.RemoteAddr().String(), make(chan struct{})
	x.call = participants.Call{Op: s.op, Attempt: attempt}
	x.run(ep.wire, conn)
}

// expects tells a client that waits to be told to send the body.
func expects(head *http.Request) bool {
	return strings.EqualFold(head.Header.Get("Expect"), "100-continue") && head.ProtoAtLeast(1, 1)
}

// content waits for the end of a request whose head was read, and gives its body,
// freed from what HTTP wraps around it (chunks).
func (m *message) content() ([]byte, error) {
	for m.end == nil {
		m.advance()
		m.catchUp()
	}
	if !errors.Is(m.end, io.EOF) {
		return nil, m.end
	}
	again, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(m.bytes())))
	if err != nil {
		return nil, errors.New("it can't be read a second time")
	}
	return io.ReadAll(again.Body)
}
