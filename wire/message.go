package wire

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Limits of what the wire carries. Anything larger is trouble of ours, and said.
const (
	headLimit    = 1 << 20
	messageLimit = 64 << 20
)

var errTooLarge = errors.New("larger than the wire carries")

// brokenOff tells an end of the connection from bytes that are no HTTP.
func brokenOff(err error) bool {
	var op *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.As(err, &op)
}

// message is one HTTP/1.x message as it comes from a connection. net/http's own
// parser finds its head and its end; its bytes are kept as they came, so that what
// is forwarded, counted, cut and copied is what was sent.
type message struct {
	src   *bufio.Reader // over take
	from  io.Reader
	limit int
	raw   []byte       // all that was taken from the connection
	known int          // how much of raw belongs to the message, as far as it was read
	head  atomic.Int64 // length of the head of an answer; 0: it is not whole (yet)
	given int          // how much of that Read has given
	gone  error        // the end of the connection, if it was reached
	body  io.Reader    // nil: the head has not been read
	end   error        // io.EOF: the message is whole; for its reader
	plain bool         // not HTTP: all that comes belongs to it

	at    time.Time     // when it was whole; for readers of size
	size  atomic.Int64  // length of a whole message; 0: it is not whole (yet)
	ended chan struct{} // closed when the message is whole, or never will be
	once  sync.Once
	wrong atomic.Pointer[error] // why it can't be read
}

func newMessage(from io.Reader) *message {
	m := &message{from: from, limit: headLimit, ended: make(chan struct{})}
	m.src = bufio.NewReaderSize(taker{m}, 4096)
	return m
}

// taker takes bytes from the connection, and keeps them.
type taker struct{ m *message }

func (t taker) Read(p []byte) (int, error) {
	m := t.m
	if len(m.raw) >= m.limit {
		return 0, errTooLarge
	}
	n, err := m.from.Read(p)
	m.raw = append(m.raw, p[:n]...)
	if err != nil {
		m.gone = err
	}
	return n, err
}

// first waits for the first byte.
func (m *message) first() error {
	_, err := m.src.Peek(1)
	return err
}

// request reads the head of a request, and as much of its body as has come.
func (m *message) request() (*http.Request, error) {
	r, err := http.ReadRequest(m.src)
	if err != nil {
		if m.gone != nil { // a part of a head looks like a bad one
			err = m.gone
		}
		m.finish(err)
		return nil, err
	}
	m.gather(r.Body)
	return r, nil
}

// response reads the head of the final response, and as much of its body as has
// come. Interim responses (1xx) before it are dropped. What is no HTTP is passed
// on as it is, with the error.
func (m *message) response(to *http.Request) (*http.Response, error) {
	for {
		r, err := http.ReadResponse(m.src, to)
		if err != nil {
			m.plain = true
			m.known = len(m.raw)
			return nil, err
		}
		if r.StatusCode >= 200 || r.StatusCode == http.StatusSwitchingProtocols {
			m.head.Store(int64(len(m.raw) - m.src.Buffered()))
			m.gather(r.Body)
			return r, nil
		}
		m.known = len(m.raw) - m.src.Buffered()
		m.raw, m.known = m.raw[m.known:], 0
	}
}

// gather reads what of the body is there already.
func (m *message) gather(body io.Reader) {
	m.body, m.limit = body, messageLimit
	m.known = len(m.raw) - m.src.Buffered()
	if body == http.NoBody {
		m.finish(io.EOF)
	}
	m.catchUp()
}

// catchUp reads all of the body that is there.
func (m *message) catchUp() {
	for m.end == nil && m.src.Buffered() > 0 {
		m.advance()
	}
}

// advance reads a piece of the body, and waits for it.
func (m *message) advance() {
	var piece [8 << 10]byte
	_, err := m.body.Read(piece[:])
	m.known = len(m.raw) - m.src.Buffered()
	if err != nil {
		m.finish(err)
	}
}

// finish notes the end of the message, as its reader sees it: io.EOF if it is whole.
func (m *message) finish(err error) {
	m.end = err
	switch {
	case errors.Is(err, io.EOF):
		m.at = time.Now()
		m.size.Store(int64(m.known))
	case !brokenOff(err):
		m.wrong.Store(&err)
	}
	m.giveUp()
}

// giveUp says that no more of the message is waited for.
func (m *message) giveUp() { m.once.Do(func() { close(m.ended) }) }

// whole tells whether the message has come to its end.
func (m *message) whole() bool { return m.size.Load() > 0 }

// Read gives the bytes of the message as they come, and io.EOF at its end. The
// head must have been read.
func (m *message) Read(p []byte) (int, error) {
	for m.given == m.known {
		if m.end != nil {
			return 0, m.end
		}
		if m.plain {
			m.takePlain()
			continue
		}
		m.advance()
		m.catchUp()
	}
	n := copy(p, m.raw[m.given:m.known])
	m.given += n
	return n, nil
}

func (m *message) takePlain() {
	var piece [8 << 10]byte
	_, err := m.src.Read(piece[:])
	m.known = len(m.raw)
	if err != nil {
		m.finish(fmt.Errorf("no HTTP: %w", err))
	}
}

// rest reads on after the end of the message, until the connection is over.
// Nothing that comes is kept.
func (m *message) rest() error {
	var piece [4 << 10]byte
	for {
		if _, err := m.from.Read(piece[:]); err != nil {
			return err
		}
	}
}

// bytes are those of a whole message.
func (m *message) bytes() []byte { return m.raw[:m.size.Load()] }

// about says how much of the message has come.
func (m *message) about() string {
	if m.whole() {
		return fmt.Sprintf("%d bytes", m.size.Load())
	}
	return fmt.Sprintf("%d bytes so far", m.known)
}
