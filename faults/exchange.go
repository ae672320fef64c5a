package faults

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/stream"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
)

// exchange is one connection of the system under test: one attempt of an
// operation, with its own chain of toxics.
type exchange struct {
	number uint64
	script *script
	call   participants.Call
	req    request
	began  time.Time // when the kernel had its first bytes
	read   time.Time // when we had read it
	held   bool      // toxics hold the request up
	remote string    // address of the orchestrator's side

	client *tap
	up     *tap
	hits   []int       // faults of the plan on this attempt
	late   atomic.Bool // an answer fault acts: what the orchestrator gets is no whole answer
	told   sync.Once   // response faults fire once
	// handled is closed when the participant has decided on its answer.
	handled     chan struct{}
	handledOnce sync.Once
}

// handlingLimit bounds the wait for a participant that has the whole request. A
// hook may hold it while the orchestrator is killed and started.
const handlingLimit = 2 * time.Minute

// lingerAfterAnswer bounds the wait for the orchestrator to close its side after
// it has been given the whole answer.
const lingerAfterAnswer = 2 * time.Second

// serve carries one connection from its first byte to its end.
func (g *Gate) serve(conn *net.TCPConn) {
	defer conn.Close() //nolint:errcheck // nothing is left to lose
	unblock := make(chan struct{})
	defer close(unblock)
	g.wire.running.Go(func() {
		select {
		case <-g.wire.stop:
			_ = conn.Close() // only to wake the reader
		case <-unblock:
		}
	})
	var s *script
	var attempt int
	var began time.Time
	req, err := peekRequest(conn, func() {
		waited := sinceReceived(conn)
		began = time.Now().Add(-waited)
		if s = g.script.Load(); s != nil {
			s.in.rec.Late(waited)
			attempt = s.arrive()
		}
	})
	if s == nil || err != nil {
		if err == nil {
			refuseStray(conn)
		}
		return
	}
	if s.world != nil && req.path != s.path {
		s.stray(req)
		refuseStray(conn)
		return
	}
	x := &exchange{
		number: g.wire.exchanges.Add(1), script: s, req: req, began: began, read: time.Now(), remote: conn.RemoteAddr().String(),
		call: participants.Call{Op: s.op, Attempt: attempt}, handled: make(chan struct{}),
	}
	x.run(g.wire, conn)
	s.in.leave()
}

// arrive counts an attempt.
func (s *script) arrive() int {
	s.in.enter()
	return int(s.attempts.Add(1))
}

// stray records a call for this cell that came to the wrong address; one for
// another cell's saga is a left-over and none of ours. Either gives its attempt
// number back.
func (s *script) stray(r request) {
	s.attempts.Add(-1)
	if strings.Contains(r.path, s.op.Saga) {
		s.in.rec.Add(history.Event{Kind: history.CallStray, Saga: s.op.Saga, Step: s.op.Step, Direction: s.op.Direction, Detail: "path " + strconv.Quote(r.path)})
	}
	s.in.leave()
}

// refuseStray answers 410, so that an orchestrator gives a forgotten saga up.
func refuseStray(conn *net.TCPConn) {
	const gone = "HTTP/1.1 410 Gone\r\nContent-Type: application/problem+json\r\nConnection: close\r\nContent-Length: 36\r\n\r\n{\"title\":\"this saga's cell is over\"}"
	_, _ = io.WriteString(conn, gone) // who is not there any more needs no answer
}

// run forwards the connection through its chain, and records its beginning and
// its end.
func (x *exchange) run(w *Wire, conn *net.TCPConn) {
	s := x.script
	x.record(history.CallSent, func(e *history.Event) {
		h := x.req.header
		e.Key, e.SagaID, e.StepID, e.Trace = participants.Key(h), h.Get("Saga-Id"), h.Get("Saga-Step"), h.Get("Traceparent")
	})
	chain, cut := s.in.chain(x)
	if cut {
		_ = conn.SetLinger(0) // a reset; the connection is closed right after
		_ = conn.Close()
		x.client = newTap(conn)
		x.end(false)
		return
	}
	if s.world == nil && s.in.Away() { // a submit while the orchestrator is dead
		_ = conn.SetLinger(0)
		x.client = newTap(conn)
		x.end(false)
		return
	}
	far, err := net.DialTimeout("tcp", s.upstream, 5*time.Second)
	if err != nil { // the orchestrator (of submit) is down: its client sees the same
		_ = conn.SetLinger(0)
		x.client = newTap(conn)
		x.end(false)
		return
	}
	x.forward(w, conn, far.(*net.TCPConn), chain)
	x.end(true)
}

// forward starts the two links and waits until both sides are gone.
func (x *exchange) forward(w *Wire, conn, far *net.TCPConn, chain []toxic) {
	x.client, x.up = newTap(conn), newTap(far)
	if x.script.world == nil {
		x.up.onData = x.answering
	}
	// The kernel may give the port away again before this exchange has ended: then
	// the address is another's. And one port may serve two connections to different
	// servers at once: only those to the participants are found by it.
	local := far.LocalAddr().String()
	if x.script.world == nil {
		local += " to " + x.script.upstream
	}
	w.upstreams.Store(local, x)
	defer w.upstreams.CompareAndDelete(local, x)
	if slices.ContainsFunc(chain, func(t toxic) bool { return t.Type == swallowType }) {
		var left <-chan struct{} = x.client.gone
		gone.Store(x.number, left)
		defer gone.Delete(x.number)
	}
	c := toxiproxy.NewToxicCollection(w.proxy)
	resetUp, resetDown := false, false
	for i, t := range chain {
		t.Name = fmt.Sprintf("%s-%d", t.Type, i)
		if t.Type == swallowType {
			t.Attributes = map[string]any{"exchange": x.number}
		}
		x.held = x.held || t.Stream == upstream
		resetUp = resetUp || t.Type == resetType && t.Stream == upstream
		resetDown = resetDown || t.Type == resetType && t.Stream == downstream
		if err := t.addTo(c); err != nil { // a chain of ours that toxiproxy refuses
			panic(fmt.Sprintf("toxic %+v: %v", t, err))
		}
	}
	// A link with reset_peer takes only bare TCP connections; the other link's
	// taps still see both sides end.
	x.client.half = !resetUp
	if resetUp {
		c.StartLink(w.srv, "up", conn, far, stream.Upstream)
	} else {
		c.StartLink(w.srv, "up", x.client, x.up, stream.Upstream)
	}
	if resetDown {
		c.StartLink(w.srv, "down", far, conn, stream.Downstream)
	} else {
		c.StartLink(w.srv, "down", x.up, x.client, stream.Downstream)
	}
	select {
	case <-x.up.gone:
	case <-w.stop:
	}
	select {
	case <-x.client.gone:
	case <-time.After(lingerAfterAnswer):
	}
	x.abort()
	if resetDown && x.script.world == nil {
		x.answering() // the bare link does not tell
	}
	if x.script.world != nil && whole(x.req.raw) && x.up.written.Load() >= int64(len(x.req.raw)) {
		select {
		case <-x.handled: // also when the orchestrator has left: a late arrival
		case <-w.stop:
		case <-time.After(handlingLimit):
		}
	}
}

// answering is called when the first bytes of the answer come from upstream.
func (x *exchange) answering() {
	x.told.Do(func() { x.script.in.onResponse(x) })
}

// setReceived is told by the participant when it has read the request: what that
// took is our own lateness, unless a fault held the request up.
func (x *exchange) setReceived() {
	if !x.held && x.call.Copy == 0 {
		x.script.in.rec.Late(time.Since(x.read))
	}
}

// setAnswered is told by the participant just before its answer leaves.
func (x *exchange) setAnswered(participants.Answer) {
	x.answering()
	x.handledOnce.Do(func() { close(x.handled) })
}

// abort ends both sides.
func (x *exchange) abort() {
	for _, t := range []*tap{x.client, x.up} {
		if t != nil {
			t.kill()
		}
	}
}

// end records what reached the orchestrator.
func (x *exchange) end(forwarded bool) {
	in := x.script.in
	x.record(history.CallEnded, func(e *history.Event) {
		if !forwarded {
			return
		}
		e.Up, e.Down = x.up.written.Load(), x.client.written.Load()
		code, whole := x.client.answer()
		if !whole || x.late.Load() {
			return
		}
		e.Code = code
		if at := x.client.ackedAt(); !at.IsZero() {
			e.Acked = in.rec.Clock(at)
		}
		limit := x.script.timeout / 2
		e.Certain = x.client.finished.Load() && (limit == 0 || time.Since(x.began) < limit)
	})
	for _, i := range x.hits {
		in.healed(i, x.call.Op)
	}
}

// record adds an event of this attempt; submit is the client's own call, whose
// events the harness records.
func (x *exchange) record(k history.Kind, fill func(*history.Event)) {
	if x.call.Op.Step == saga.SubmitStep {
		return
	}
	op := x.call.Op
	e := history.Event{Kind: k, Saga: op.Saga, Step: op.Step, Direction: op.Direction, Attempt: x.call.Attempt}
	fill(&e)
	x.script.in.rec.Add(e)
}

// tap is a connection that tells what passes and when it is over. Writing never
// fails, so that no toxic is left waiting for a reader: what comes after the
// peer has gone is dropped.
type tap struct {
	conn     *net.TCPConn
	half     bool // close only the writing side, and wait for the peer's end
	onData   func()
	gone     chan struct{}
	once     sync.Once
	written  atomic.Int64
	lost     atomic.Bool // bytes could not be written
	closed   atomic.Bool // we have ended our side, after everything was written
	finished atomic.Bool // the peer ended in order (FIN) after a whole answer that it had taken
	mu       sync.Mutex
	acked    time.Time // by then the peer's kernel had confirmed all that was written
	head     []byte    // the first bytes written: an answer, or its beginning
}

func newTap(c *net.TCPConn) *tap { return &tap{conn: c, gone: make(chan struct{})} }

func (t *tap) over() { t.once.Do(func() { close(t.gone) }) }

func (t *tap) isGone() bool {
	select {
	case <-t.gone:
		return true
	default:
		return false
	}
}

func (t *tap) Read(p []byte) (int, error) {
	n, err := t.conn.Read(p)
	if n > 0 && t.onData != nil {
		t.onData()
	}
	if err != nil {
		if _, whole := t.answer(); err == io.EOF && whole && acknowledged(t.conn) {
			t.mu.Lock()
			if t.acked.IsZero() {
				t.acked = time.Now()
			}
			t.mu.Unlock()
			t.finished.Store(true)
		}
		t.over()
	}
	return n, err
}

func (t *tap) Write(p []byte) (int, error) {
	if t.isGone() {
		t.lost.Store(true)
		return len(p), nil
	}
	// Under the lock, so that a peer that answers with its end at once is not
	// judged by what was noted before.
	t.mu.Lock()
	n, err := t.conn.Write(p)
	if room := maxHead - len(t.head); room > 0 {
		t.head = append(t.head, p[:min(n, room)]...)
	}
	t.written.Add(int64(n))
	if err != nil {
		t.lost.Store(true)
	}
	if t.acked = (time.Time{}); err == nil && confirmed(t.conn) {
		t.acked = time.Now()
	}
	t.mu.Unlock()
	return len(p), nil
}

func (t *tap) Close() error {
	if t.half && !t.isGone() {
		t.closed.Store(true)
		return t.conn.CloseWrite()
	}
	t.over()
	return t.conn.Close()
}

// kill closes the connection whatever state it is in.
func (t *tap) kill() {
	_ = t.conn.Close() // closed already is as good
	t.over()
}

func (t *tap) ackedAt() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.acked
}

// maxHead is how much of an answer is kept: all of any participant's.
const maxHead = 4096

// answer is the status of the answer that was written, and whether all of it was
// written while the peer was there. A client that has the announced length may
// close before we do.
func (t *tap) answer() (code int, complete bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fields := bytes.Fields(t.head[:min(len(t.head), 32)])
	if len(fields) < 2 || !bytes.HasPrefix(fields[0], []byte("HTTP/1.")) {
		return 0, false
	}
	code, err := strconv.Atoi(string(fields[1]))
	return code, err == nil && !t.lost.Load() && (t.closed.Load() || whole(t.head))
}
