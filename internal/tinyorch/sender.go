package tinyorch

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// Sender carries out one call.
type Sender func(*http.Request) (*http.Response, error)

// Sending is a way to speak HTTP/1.1 that clients in the field have.
type Sending struct {
	Name string
	// write sends the request; head ends with an empty line.
	write func(c *net.TCPConn, r *bufio.Reader, head, body string) error
	// head changes the head, line by line.
	head func(lines []string, body string) []string
	// after is done with the connection when the whole answer has been read.
	after  func(c *net.TCPConn)
	linger time.Duration // the connection is closed so long after it, while the work goes on
	spare  bool          // opens a connection beside, and never uses it
}

// piece is how long a client that writes in pieces takes from one to the next.
const piece = 3 * time.Millisecond

// Senders is the catalogue.
func Senders() []Sending {
	return []Sending{
		{Name: "head-then-body", write: inTwo},
		{Name: "in-small-pieces", write: inPieces},
		{Name: "expect-100-continue", write: afterContinue, head: add("Expect: 100-continue")},
		{Name: "chunked", write: asChunks(""), head: chunkedHead},
		{Name: "chunked-with-trailers", write: asChunks("X-Checksum: 1\r\n"), head: chunkedHead},
		{Name: "http-1.0", head: http10},
		{Name: "absolute-target", head: absolute},
		{Name: "lower-case-headers", head: lowerCase},
		{Name: "large-headers", head: add("X-Context: " + strings.Repeat("x", 48<<10))},
		{Name: "half-close", write: thenHalfClose},
		{Name: "reset-after-answer", after: func(c *net.TCPConn) { _ = c.SetLinger(0) }},
		{Name: "late-close", linger: 150 * time.Millisecond},
		{Name: "spare-connections", spare: true},
	}
}

func (s Sending) sender() Sender {
	return func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		return s.call(r, string(body))
	}
}

// call is one request on a connection of its own. The answer's body has been read
// to its end, as far as it came.
func (s Sending) call(r *http.Request, body string) (*http.Response, error) {
	ctx := r.Context()
	if s.spare {
		if idle, err := dial(ctx, r.URL.Host); err == nil {
			defer idle.Close() //nolint:errcheck // it was never used
		}
	}
	c, err := dial(ctx, r.URL.Host)
	if err != nil {
		return nil, err
	}
	closed := context.AfterFunc(ctx, func() { _ = c.Close() })
	linger := time.Duration(0)
	defer func() {
		closed()
		time.AfterFunc(linger, func() { _ = c.Close() })
	}()
	in := bufio.NewReader(c)
	write := s.write
	if write == nil {
		write = atOnce
	}
	if err := write(c, in, s.headOf(r, body), body); err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(in, r)
	if err != nil {
		return nil, err
	}
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(all))
	if s.after != nil {
		s.after(c)
	}
	linger = s.linger
	return resp, nil
}

func dial(ctx context.Context, host string) (*net.TCPConn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, err
	}
	return c.(*net.TCPConn), nil
}

func (s Sending) headOf(r *http.Request, body string) string {
	lines := []string{r.Method + " " + r.URL.RequestURI() + " HTTP/1.1", "Host: " + r.URL.Host, fmt.Sprintf("Content-Length: %d", len(body))}
	for name, values := range r.Header {
		lines = append(lines, name+": "+values[0])
	}
	if s.head != nil {
		lines = s.head(lines, body)
	}
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

func add(line string) func([]string, string) []string {
	return func(lines []string, _ string) []string { return append(lines, line) }
}

func http10(lines []string, _ string) []string {
	lines[0] = strings.Replace(lines[0], "HTTP/1.1", "HTTP/1.0", 1)
	return lines
}

func absolute(lines []string, _ string) []string {
	host := strings.TrimPrefix(lines[1], "Host: ")
	lines[0] = strings.Replace(lines[0], " /", " http://"+host+"/", 1)
	return lines
}

func lowerCase(lines []string, _ string) []string {
	for i, l := range lines[1:] {
		name, value, _ := strings.Cut(l, ":")
		lines[i+1] = strings.ToLower(name) + ":" + strings.TrimSpace(value)
	}
	return lines
}

func chunkedHead(lines []string, _ string) []string {
	lines[2] = "Transfer-Encoding: chunked"
	return lines
}

func atOnce(c *net.TCPConn, _ *bufio.Reader, head, body string) error {
	_, err := io.WriteString(c, head+body)
	return err
}

func inTwo(c *net.TCPConn, _ *bufio.Reader, head, body string) error {
	return inTurn(c, head, body)
}

// inPieces splits where parsers have their edges: inside a line, inside the end of
// the head, inside the body.
func inPieces(c *net.TCPConn, _ *bufio.Reader, head, body string) error {
	end := len(head) - 2
	return inTurn(c, head[:1], head[1:20], head[20:end], head[end:], body[:len(body)/2], body[len(body)/2:])
}

func inTurn(c *net.TCPConn, pieces ...string) error {
	for i, p := range pieces {
		if i > 0 {
			time.Sleep(piece)
		}
		if _, err := io.WriteString(c, p); err != nil {
			return err
		}
	}
	return nil
}

func afterContinue(c *net.TCPConn, in *bufio.Reader, head, body string) error {
	if _, err := io.WriteString(c, head); err != nil {
		return err
	}
	line, err := in.Peek(len("HTTP/1.1 100"))
	if err != nil {
		return err
	}
	if string(line) != "HTTP/1.1 100" {
		return nil // a final answer: the body is not wanted
	}
	for {
		l, err := in.ReadString('\n')
		if err != nil {
			return err
		}
		if strings.TrimSpace(l) == "" {
			break
		}
	}
	_, err = io.WriteString(c, body)
	return err
}

func asChunks(trailer string) func(*net.TCPConn, *bufio.Reader, string, string) error {
	return func(c *net.TCPConn, _ *bufio.Reader, head, body string) error {
		half := len(body) / 2
		if half == 0 {
			return errors.New("a body of two bytes or more is needed")
		}
		return inTurn(c, head, fmt.Sprintf("%x\r\n%s\r\n", half, body[:half]), fmt.Sprintf("%x\r\n%s\r\n0\r\n%s\r\n", len(body)-half, body[half:], trailer))
	}
}

func thenHalfClose(c *net.TCPConn, _ *bufio.Reader, head, body string) error {
	if _, err := io.WriteString(c, head+body); err != nil {
		return err
	}
	return c.CloseWrite()
}
