package wire

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/proxy"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
)

// Endpoint is one address of the pool: a listener, and the script of the cell that
// has leased it.
type Endpoint struct {
	wire   *Wire
	addr   string
	ln     *net.TCPListener
	fixed  bool // somebody chose the address: it is given up when it is released
	script atomic.Pointer[script]
	router atomic.Pointer[served] // of a service's address, in place of a script
	proxy  atomic.Pointer[Proxy]  // of the address of a forward proxy, in place of both

	mu     sync.Mutex
	opened chan struct{}    // closed when an endpoint that is shut listens again; nil: it is not shut
	closed bool             // for good
	unused map[*client]bool // connections by which nothing has come yet, and whether their wait for it was ended
}

// script is what an endpoint does for the operation that it stands for.
type script struct {
	op       saga.Operation
	path     string
	upstream Upstream
	timeout  time.Duration // of an attempt, by the policy; 0: unknown
	world    *participants.World
	callback *Callback // that it carries; nil: none
	in       *Injector

	mu      sync.Mutex
	counted int
	spare   []int           // numbers that were given back, ascending
	later   map[int]*script // of the same step in later rounds of its saga
}

// Upstream is where the requests of an endpoint go.
type Upstream struct {
	Addr string // host:port
	TLS  bool   // the server speaks TLS; the endpoint itself never does
	// Roots are the authorities that its certificate may come from; nil: those of the system.
	Roots *x509.CertPool
}

// dialLimit bounds how long a connection to an upstream may take.
const dialLimit = 5 * time.Second

func (u Upstream) dial(ctx context.Context) (net.Conn, error) {
	d := net.Dialer{Timeout: dialLimit}
	if u.TLS {
		return (&tls.Dialer{NetDialer: &d, Config: &tls.Config{RootCAs: u.Roots}}).DialContext(ctx, "tcp", u.Addr)
	}
	return d.DialContext(ctx, "tcp", u.Addr)
}

// inbound tells that the script is that of a call to the orchestrator: the client's own, or
// one by which a service tells it something.
func (s *script) inbound() bool { return saga.Inbound(s.op.Step) }

// arrive counts an attempt. A number that was given back is given away first.
func (s *script) arrive() int {
	s.in.enter()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.spare) > 0 {
		n := s.spare[0]
		s.spare = s.spare[1:]
		return n
	}
	s.counted++
	return s.counted
}

// giveBack takes the number of what was no attempt back.
func (s *script) giveBack(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, _ := slices.BinarySearch(s.spare, n)
	s.spare = slices.Insert(s.spare, i, n)
}

// Addr is host:port of the endpoint.
func (ep *Endpoint) Addr() string { return ep.addr }

func (ep *Endpoint) port() uint16 { return uint16(ep.ln.Addr().(*net.TCPAddr).Port) }

func (ep *Endpoint) accept() {
	proxy.Accept(ep.ln, func(c *net.TCPConn) { ep.wire.running.Go(func() { ep.serve(c) }) }, ep.wait)
}

// wait waits until a connection may be accepted again: while the endpoint is shut, until it
// listens.
func (ep *Endpoint) wait(scarce <-chan time.Time) {
	ep.mu.Lock()
	opened := ep.opened
	ep.mu.Unlock()
	if opened != nil {
		scarce = nil
	}
	select {
	case <-ep.wire.ctx.Done():
	case <-scarce:
	case <-opened:
	}
}

func (ep *Endpoint) listens() bool {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	return ep.opened == nil && !ep.closed
}

// shut lets the kernel refuse connections from now on. The port stays ours.
func (ep *Endpoint) shut() error {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	if ep.opened != nil || ep.closed {
		return nil
	}
	if err := stopListening(ep.ln); err != nil {
		return fmt.Errorf("shut the proxy address %s: %w", ep.addr, err)
	}
	ep.opened = make(chan struct{})
	for c := range ep.unused {
		ep.hurry(c)
	}
	return nil
}

// hurry has the wait for the first byte of a connection end. The caller holds the lock.
func (ep *Endpoint) hurry(c *client) {
	ep.unused[c] = true
	_ = c.SetReadDeadline(time.Now()) // fails only on a closed connection
}

// lookAgain is how long a connection in a hurry is looked at for what came meanwhile.
const lookAgain = time.Millisecond

// first waits for the first byte of a connection. One by which nothing has come while its endpoint is shut ends
// there: who has it in store (as HTTP clients do that dialled one for a call which another served) would meet
// no refusal.
func (ep *Endpoint) first(c *client, m *message) error {
	ep.mu.Lock()
	if ep.unused == nil {
		ep.unused = map[*client]bool{}
	}
	ep.unused[c] = false
	if ep.opened != nil { // it was accepted just before
		ep.hurry(c)
	}
	ep.mu.Unlock()
	err := m.first()
	ep.mu.Lock()
	hurried := ep.unused[c]
	delete(ep.unused, c)
	ep.mu.Unlock()
	if !hurried {
		return err
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		m.gone = nil
		_ = c.SetReadDeadline(time.Now().Add(lookAgain)) // as in hurry
		err = m.first()
	}
	_ = c.SetReadDeadline(time.Time{}) // as in hurry
	return err
}

// reopen listens again.
func (ep *Endpoint) reopen() error {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	if ep.opened == nil || ep.closed {
		return nil
	}
	if err := listenAgain(ep.ln); err != nil {
		return fmt.Errorf("open the proxy address %s again: %w", ep.addr, err)
	}
	close(ep.opened)
	ep.opened = nil
	return nil
}

// close gives the port up.
func (ep *Endpoint) close() error {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	if ep.closed {
		return nil
	}
	ep.closed = true
	if ep.opened != nil {
		close(ep.opened)
	}
	return ep.ln.Close()
}

// serve carries one connection from its first byte to its end.
func (ep *Endpoint) serve(tcp *net.TCPConn) {
	conn := plainly(tcp)
	defer conn.Close() //nolint:errcheck // nothing is left to lose
	defer context.AfterFunc(ep.wire.ctx, func() { _ = conn.Close() })()
	m := newMessage(conn)
	if ep.first(conn, m) != nil {
		return // a spare connection that was never used
	}
	if p := ep.proxy.Load(); p != nil {
		p.serve(ep, conn, m)
		return
	}
	if r := ep.router.Load(); r != nil {
		ep.route(conn, m, *r)
		return
	}
	s := ep.script.Load()
	if s == nil || !s.in.fence.enter() {
		ep.tooLate(conn, m)
		return
	}
	defer s.in.fence.leave()
	// The cell does not wait for a client that has stopped in the middle.
	defer context.AfterFunc(s.in.ctx, func() { _ = conn.Close() })()
	waited := sinceReceived(conn.tcp)
	s.in.rec.Late(waited)
	attempt := s.arrive()
	defer s.in.leave()
	x := &exchange{
		number: ep.wire.exchanges.Add(1), script: s, req: m, began: time.Now().Add(-waited), remote: conn.RemoteAddr().String(),
		call: participants.Call{Op: s.op, Attempt: attempt}, handled: make(chan struct{}),
	}
	head, err := m.request()
	switch {
	case err != nil:
		s.giveBack(attempt)
		if brokenOff(err) {
			return
		}
		s.in.trouble(fmt.Errorf("a request from %s to the address of %s can't be read: %w (it begins with %.60q)", x.remote, s.op, err, m.raw))
		turnAway(conn, m, http.StatusBadRequest, "this is no HTTP request")
	case head.URL.Path != s.path && (ep.wire.ofOver(head) || s.world != nil):
		s.giveBack(attempt)
		s.stray(head.URL.Path)
		turnAway(conn, m, http.StatusGone, titleOver)
	case s.world != nil && looks(head.Method):
		s.giveBack(attempt)
		turnAway(conn, m, http.StatusMethodNotAllowed, "a participant is called with POST")
	default:
		if of := s.inRound(head.Header); of != s {
			s.giveBack(attempt)
			x.script, x.call = of, participants.Call{Op: of.op, Attempt: of.arrive()}
			defer of.in.leave()
		}
		x.head, x.key = head, participants.Key(head.Header)
		x.run(ep.wire, conn)
	}
}

// titleOver is the title of the answer to what comes for a saga whose cell is over.
const titleOver = "this saga's cell is over"

// tooLate turns a call away that comes to the address of a cell that is over, and tells of it.
func (ep *Endpoint) tooLate(conn *client, m *message) {
	_ = conn.SetReadDeadline(time.Now().Add(partingLimit)) // fails only on a closed connection
	if head, err := m.request(); err == nil {
		ep.wire.ofOver(head)
	}
	turnAway(conn, m, http.StatusGone, titleOver)
}

// looks tells a method that asks for nothing to be done (RFC 9110, 9.2.1): who looks
// before a retry whether a call has been done makes no attempt.
func looks(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// stray records a call for this cell that came to the wrong address; one for
// another cell's saga is a left-over and none of ours.
func (s *script) stray(path string) {
	if strings.Contains(path, s.op.Saga) {
		s.in.rec.Add(history.Event{Kind: history.CallStray, Saga: s.op.Saga, Step: s.op.Step, Direction: s.op.Direction, Detail: "path " + strconv.Quote(path)})
	}
}

// partingLimit bounds the wait for a client that is turned away to read why.
const partingLimit = time.Second

// turnAway gives an answer that no participant has given. 410 lets an orchestrator
// give a forgotten saga up.
func turnAway(conn *client, m *message, code int, why string) {
	body := fmt.Sprintf(`{"title":%q}`, why)
	part(conn, m, code, http.Header{"Content-Type": {"application/problem+json"}}, []byte(body))
}

// part gives an answer and ends the connection.
func part(conn *client, m *message, code int, h http.Header, body []byte) {
	answer := http.Response{
		StatusCode: code, ProtoMajor: 1, ProtoMinor: 1, Header: h, Close: true,
		ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
	}
	_ = answer.Write(conn) // who is not there any more needs no answer
	parting(conn, m)
}

// parting ends our side after an answer, and leaves the peer time to read it.
func parting(conn *client, m *message) {
	// A close with something unread would be a reset, which takes the answer away.
	_ = conn.CloseWrite()                                  // as above
	_ = conn.SetReadDeadline(time.Now().Add(partingLimit)) // fails only on a closed connection
	_ = m.rest()                                           // its end is all that matters
}
