package wire

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
)

// client is the connection of the system under test: plain, or inside the tunnel of a
// forward proxy. What the kernel knows of it is asked of the TCP connection below.
type client struct {
	net.Conn
	tcp *net.TCPConn
}

func plainly(c *net.TCPConn) *client { return &client{Conn: c, tcp: c} }

// Read ends with io.EOF also where a peer ends TCP without having ended TLS, as many do.
func (c *client) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}

// CloseWrite ends our side of TCP. TLS gets no word of it: a client that has the whole
// answer and closes with that word unread would reset the connection, and nobody would
// know whether it had the answer.
func (c *client) CloseWrite() error { return c.tcp.CloseWrite() }

// tell says in TLS that what was written is all: an answer that ends with the connection
// is whole only with that word.
func (c *client) tell() {
	if t, ok := c.Conn.(*tls.Conn); ok {
		_ = t.CloseWrite() // who is not there any more needs no end
	}
}

// Close closes the connection whatever state it is in: TLS gets no word.
func (c *client) Close() error { return c.tcp.Close() }

// tunnel is a connection of which some bytes have been read already.
type tunnel struct {
	*net.TCPConn
	early []byte
}

func (t *tunnel) Read(p []byte) (int, error) {
	if len(t.early) > 0 {
		n := copy(p, t.early)
		t.early = t.early[n:]
		return n, nil
	}
	n, err := t.TCPConn.Read(p)
	// Clients that send head and body apart would wait for a confirmation in between
	// (RFC 1122, 4.2.3.2: up to half a second) where nothing is sent back meanwhile.
	quickAck(t.TCPConn)
	return n, err
}

// first waits for the first byte, and leaves it there.
func (t *tunnel) first() (byte, error) {
	if len(t.early) == 0 {
		var one [1]byte
		if _, err := io.ReadFull(t.TCPConn, one[:]); err != nil {
			return 0, err
		}
		t.early = one[:]
	}
	return t.early[0], nil
}

// unbounded tells a whole message that only the end of its connection has ended.
func (m *message) unbounded() bool { return m.whole() && m.gone != nil }

// left are the bytes behind a message whose head was read, and that has no body.
func (m *message) left() []byte { return slices.Clone(m.raw[m.known:]) }

// retarget puts another target into the request line of a request whose head was read.
func (m *message) retarget(from, to string) {
	i := bytes.Index(m.raw, []byte(from))
	if i < 0 {
		return
	}
	m.raw = slices.Concat(m.raw[:i], []byte(to), m.raw[i+len(from):])
	m.known += len(to) - len(from)
	if m.whole() {
		m.size.Store(int64(m.known))
	}
}
