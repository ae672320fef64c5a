package faults

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

// maxPeek is more than any request of a saga needs.
const maxPeek = 64 << 10

// peekWhole is how long a request may take to arrive before it is forwarded
// piece by piece.
const peekWhole = 100 * time.Millisecond

// request is what a connection's first bytes say.
type request struct {
	raw    []byte
	path   string
	header http.Header
}

var errClosed = errors.New("closed without a request")

// peekRequest waits for a request and looks at it without taking it from the
// socket, so that stock toxics, which insist on a *net.TCPConn, still find it
// there. first is called when the first byte has arrived.
func peekRequest(conn *net.TCPConn, first func()) (request, error) {
	rc, err := conn.SyscallConn()
	if err != nil {
		return request{}, err
	}
	buf := make([]byte, 4096)
	n, started := 0, false
	var perr error
	err = rc.Read(func(fd uintptr) bool {
		for {
			k, _, e := syscall.Recvfrom(int(fd), buf, syscall.MSG_PEEK)
			switch {
			case errors.Is(e, syscall.EINTR):
				continue
			case errors.Is(e, syscall.EAGAIN):
				return false
			case e != nil:
				perr = e
				return true
			case k == 0:
				perr = errClosed
				return true
			case k == len(buf) && k < maxPeek:
				buf = make([]byte, 2*len(buf))
				continue
			}
			if !started {
				started = true
				first()
				_ = conn.SetReadDeadline(time.Now().Add(peekWhole)) // fails only on a closed connection, which the next read tells
			}
			if k == n { // woken without news: the peer has finished sending
				return true
			}
			n = k
			return k >= maxPeek || whole(buf[:n])
		}
	})
	_ = conn.SetReadDeadline(time.Time{}) // as above
	if !started {
		return request{}, errors.Join(err, perr)
	}
	return parseRequest(buf[:n]), nil
}

// whole tells whether b holds a complete HTTP request.
func whole(b []byte) bool {
	head := bytes.Index(b, []byte("\r\n\r\n"))
	if head < 0 {
		return false
	}
	body := b[head+4:]
	for line := range bytes.SplitSeq(b[:head], []byte("\r\n")) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case bytes.EqualFold(name, []byte("content-length")):
			n, err := strconv.Atoi(string(bytes.TrimSpace(value)))
			return err != nil || len(body) >= n
		case bytes.EqualFold(name, []byte("transfer-encoding")):
			return bytes.HasSuffix(body, []byte("0\r\n\r\n"))
		}
	}
	return true
}

// parseRequest reads what there is; a request that can't be read has no path.
func parseRequest(b []byte) request {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(b)))
	if err != nil {
		return request{raw: b}
	}
	_, _ = io.Copy(io.Discard, r.Body) // from memory; its end does not matter here
	return request{raw: b, path: r.URL.Path, header: r.Header}
}
