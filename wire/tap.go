package wire

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// near is the orchestrator's side of an exchange. Writing never fails, so that no
// toxic is left waiting for a reader: what comes after the peer has gone is
// dropped.
type near struct {
	conn   *client
	req    *message
	answer *message      // what is written, as it came from the other side
	gone   chan struct{} // closed when the peer is there no more
	once   sync.Once
	over   chan struct{} // closed when all was written that ever will be
	done   sync.Once
	reset  atomic.Bool // the end of our side is a TCP RST

	written  atomic.Int64
	mu       sync.Mutex
	passed   time.Time // when the first byte of the answer was written
	lost     bool      // bytes could not be written
	failed   bool      // the peer has reset the connection
	acked    time.Time // by then the peer's kernel had confirmed all that was written
	onTaken  func()    // called once, when the whole answer was written
	finished time.Time // when the peer ended in order after a whole answer that it had taken
	closed   bool      // we have ended our side
	left     bool      // the peer went before that, and before it had a whole answer
}

func newNear(c *client, req *message) *near {
	return &near{conn: c, req: req, gone: make(chan struct{}), over: make(chan struct{})}
}

func (n *near) isGone() bool {
	select {
	case <-n.gone:
		return true
	default:
		return false
	}
}

// Read gives the request. After its end it waits for the peer's: what a client
// sends besides belongs to nothing, and one that has closed its writing side only
// still waits for the answer.
func (n *near) Read(p []byte) (int, error) {
	k, err := n.req.Read(p)
	if err == nil {
		return k, nil
	}
	if n.req.whole() {
		err = n.req.rest()
	}
	n.ended(err)
	return 0, io.EOF
}

// ended judges the end of the peer's side.
func (n *near) ended(err error) {
	n.mu.Lock()
	fin := errors.Is(err, io.EOF) && !n.isGone()
	if fin && n.delivered() {
		n.finish()
	}
	taken := !n.finished.IsZero()
	n.mu.Unlock()
	// An end that was sent before the answer came confirms nothing of it.
	if fin && !taken && n.req.whole() {
		n.waitHalfClosed()
	}
	n.mu.Lock()
	n.left = !n.delivered() && !n.closed
	n.mu.Unlock()
	n.once.Do(func() { close(n.gone) })
}

// finish notes that the peer has taken the whole answer, if its kernel says so;
// under the lock.
func (n *near) finish() {
	ok, failed := acknowledged(n.conn.tcp)
	n.failed = n.failed || failed // the kernel tells only once
	if !ok || n.failed {
		return
	}
	n.finished = time.Now()
	if n.acked.IsZero() {
		n.acked = n.finished
	}
}

// halfClosedAsk is how often the kernel is asked whether a peer that has ended its
// writing side still holds its socket: nothing on the wire tells.
const halfClosedAsk = 2 * time.Millisecond

// waitHalfClosed waits until a peer that has sent its FIN lets go of its socket.
// One that has closed it altogether, as at a time-out, has done so already. If the
// whole answer is acknowledged and nothing of it unread, the peer has read it: a
// socket that is closed with something unread is reset.
func (n *near) waitHalfClosed() {
	t := time.NewTicker(halfClosedAsk)
	defer t.Stop()
	for {
		holds, unread := peer(n.conn.tcp)
		n.mu.Lock()
		if unread == 0 && n.delivered() && n.finished.IsZero() {
			n.finish()
		}
		n.mu.Unlock()
		if !holds {
			return
		}
		select {
		case <-n.gone:
			return
		case <-t.C:
		}
	}
}

// delivered tells whether the whole answer was written while the peer was there;
// under the lock.
func (n *near) delivered() bool {
	return n.answer != nil && n.answer.whole() && n.written.Load() == n.answer.size.Load() && !n.lost
}

func (n *near) Write(p []byte) (int, error) {
	// Under the lock, so that a peer that answers with its end at once is not
	// judged by what was noted before.
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.isGone() {
		n.lost = true
		return len(p), nil
	}
	if n.passed.IsZero() {
		n.passed = time.Now()
	}
	k, err := n.conn.Write(p)
	n.written.Add(int64(k))
	n.lost = n.lost || err != nil
	n.acked = time.Time{}
	n.confirm()
	if n.onTaken != nil && n.delivered() {
		n.onTaken()
		n.onTaken = nil
	}
	return len(p), nil
}

const goOn = "HTTP/1.1 100 Continue\r\n\r\n"

// goOn tells a client that waits for it (Expect: 100-continue) to send the body. The
// participant's own word comes too late where a fault holds the request up.
func (n *near) goOn() {
	_, _ = io.WriteString(n.conn, goOn) // who is gone is found out by reading
}

// confirm notes when all that was written was acknowledged; under the lock.
func (n *near) confirm() {
	if n.acked.IsZero() && !n.lost && confirmed(n.conn.tcp) {
		n.acked = time.Now()
	}
}

// Close ends our side after all was written, and leaves the peer's to the peer.
func (n *near) Close() error {
	n.mu.Lock()
	n.confirm()
	n.closed = true
	n.mu.Unlock()
	n.done.Do(func() { close(n.over) })
	if n.reset.Load() {
		n.kill()
		return nil
	}
	if n.answer != nil && n.answer.unbounded() {
		n.conn.tell()
	}
	return n.conn.CloseWrite()
}

// kill closes the connection whatever state it is in.
func (n *near) kill() {
	if n.reset.Load() {
		_ = n.conn.tcp.SetLinger(0) // closed already is as good
	}
	n.once.Do(func() { close(n.gone) })
	n.done.Do(func() { close(n.over) })
	_ = n.conn.Close() // as above
}

// far is the side of the participant, or of the orchestrator for a submit.
type far struct {
	conn     net.Conn
	tcp      *net.TCPConn
	req      *message // what is written
	answer   *message
	keep     bool   // nothing tells the other side that the client has left
	onAnswer func() // called when the answer begins
	to       *http.Request
	code     atomic.Int64 // of the answer; 0: none came
	begun    bool         // the answer
	written  atomic.Int64
	began    atomic.Pointer[time.Time] // when the first byte was written
}

func newFar(c net.Conn) *far {
	f := &far{conn: c, answer: newMessage(c)}
	switch c := c.(type) {
	case *net.TCPConn:
		f.tcp = c
	case *tls.Conn:
		f.tcp, _ = c.NetConn().(*net.TCPConn)
	}
	return f
}

// Read gives the answer, without interim responses.
func (f *far) Read(p []byte) (int, error) {
	if !f.begun {
		f.begun = true
		if err := f.answer.first(); err != nil {
			f.answer.finish(io.ErrUnexpectedEOF)
			return 0, err
		}
		if r, err := f.answer.response(f.to); err == nil {
			f.code.Store(int64(r.StatusCode))
		}
		f.onAnswer()
	}
	return f.answer.Read(p)
}

// Write never fails, so that no toxic is left waiting for a reader.
func (f *far) Write(p []byte) (int, error) {
	if f.written.Load() == 0 {
		now := time.Now()
		f.began.Store(&now)
	}
	k, _ := f.conn.Write(p) // what could not be written is missing in the count
	f.written.Add(int64(k))
	return len(p), nil
}

// gotAll tells whether the whole request was written.
func (f *far) gotAll() bool { return f.req.whole() && f.written.Load() == f.req.size.Load() }

// Close is the end of the request's way. Who has a part of it must not take it for all.
// Who has all of it goes on: a participant without hearing that its client has left, an
// orchestrator hears it. What that answers is waited for all the same: a start that came
// late has begun a saga when it is answered, and not when it was delivered.
func (f *far) Close() error {
	half, ok := f.conn.(interface{ CloseWrite() error })
	switch {
	case !f.gotAll(), !f.keep && !ok:
		return f.conn.Close()
	case f.keep:
		return nil
	}
	return half.CloseWrite()
}

func (f *far) kill(reset bool) {
	if reset && f.tcp != nil {
		_ = f.tcp.SetLinger(0) // closed already is as good
	}
	_ = f.conn.Close() // as above
}
