package wire

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// Real is a real service of the user's own, to which calls are passed on.
type Real struct {
	Service string
	Upstream
	// Place is where what its answers name as their Location is reached.
	Place Place
}

// URL is its address, as the workflow's file has it.
func (r Real) URL() *url.URL {
	if r.TLS {
		return &url.URL{Scheme: "https", Host: r.Addr}
	}
	return &url.URL{Scheme: "http", Host: r.Addr}
}

// Reply is the whole answer of a real service.
type Reply struct {
	Code   int
	Header http.Header
	Body   []byte // without chunks; compressed, if it came so
	// Raw is the answer as it came, but for its header Connection, since one call is one
	// connection, and a Location that leads past the wire.
	Raw  []byte
	head int // length of its head in Raw
}

// answerLimit is how long a real service may take for an answer.
const answerLimit = 30 * time.Second

// Ask passes a call of the cell on to a real service, as it came, and waits for the whole
// answer. Not ok: there is none, and unless the cell is over, that is trouble.
func (in *Injector) Ask(r Real, head *http.Request, raw []byte) (reply Reply, ok bool) {
	reply, err := r.ask(in.ctx, head, raw)
	if err != nil && in.ctx.Err() == nil {
		in.trouble(err)
	}
	return reply, err == nil
}

// ask passes a request on, as it came, and reads the whole answer.
func (r Real) ask(ctx context.Context, head *http.Request, raw []byte) (Reply, error) {
	reply, err := r.exchange(ctx, head, raw)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		err = fmt.Errorf("%w: nothing listens there: start the service", err)
	case errors.Is(err, errTooLarge), err == nil:
	default:
		err = fmt.Errorf("%w: no fault of the plan is the reason: mend the service", err)
	}
	if err != nil {
		err = fmt.Errorf("services.%s.upstream: %s gave no whole answer to %s %s: %w, or leave upstream out, and Sagacheck takes its place",
			r.Service, r.URL(), head.Method, head.URL.RequestURI(), err)
		return reply, err
	}
	location, err := r.relocate(head, reply)
	if location != "" {
		reply.Header.Set("Location", location)
	}
	reply.Raw = parted(reply.Raw, reply.head, location)
	return reply, err
}

func (r Real) exchange(ctx context.Context, head *http.Request, raw []byte) (Reply, error) {
	c, err := r.dial(ctx)
	if err != nil {
		return Reply{}, err
	}
	defer c.Close()                                          //nolint:errcheck // nothing is left to lose
	defer context.AfterFunc(ctx, func() { _ = c.Close() })() // ends what waits below
	if err := c.SetDeadline(time.Now().Add(answerLimit)); err != nil {
		return Reply{}, err
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = c.Write(raw) // a service may answer before it has read all of it
	}()
	defer func() { _ = c.Close(); <-sent }()
	m := newMessage(c)
	if err := m.first(); err != nil {
		return Reply{}, hungUp(err)
	}
	answer, err := m.response(head)
	if err != nil {
		return Reply{}, fmt.Errorf("it is no HTTP: %w", hungUp(err))
	}
	for m.end == nil {
		m.advance()
		m.catchUp()
	}
	if !errors.Is(m.end, io.EOF) {
		return Reply{}, hungUp(m.end)
	}
	again, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(m.bytes())), head)
	if err != nil {
		return Reply{}, err
	}
	body, err := io.ReadAll(again.Body)
	return Reply{Code: answer.StatusCode, Header: answer.Header, Body: body, Raw: m.bytes(), head: int(m.head.Load())}, err
}

// hungUp says in words that a connection ended before its answer.
func hungUp(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) {
		return fmt.Errorf("it hung up (%w)", err)
	}
	return err
}

// parted is an answer that says that its connection ends with it: it does, and a client
// that kept it would repeat a call by itself where it breaks. Its Location becomes the one
// given; empty: it stays.
func parted(raw []byte, head int, location string) []byte {
	var out bytes.Buffer
	dropped := false
	for i, line := range bytes.SplitAfter(raw[:head], []byte("\n")) {
		name, _, _ := strings.Cut(string(line), ":")
		folded := line0(line) == ' ' || line0(line) == '\t'
		switch {
		case i > 0 && folded && dropped:
			continue
		case i > 0 && (strings.EqualFold(name, "Connection") || strings.EqualFold(name, "Keep-Alive")):
			dropped = true
			continue
		case i > 0 && location != "" && strings.EqualFold(name, "Location"):
			dropped = true
			fmt.Fprintf(&out, "%s: %s\r\n", name, location)
			continue
		case i > 0 && len(bytes.TrimSpace(line)) == 0 && len(line) > 0:
			out.WriteString("Connection: close\r\n")
		}
		dropped = false
		out.Write(line)
	}
	out.Write(raw[head:])
	return out.Bytes()
}

// line0 is the first byte of a line; 0: it is empty.
func line0(line []byte) byte {
	if len(line) == 0 {
		return 0
	}
	return line[0]
}

// Reach tells whether a service listens at all.
func (r Real) Reach(ctx context.Context) error {
	c, err := r.dial(ctx)
	if err != nil {
		return fmt.Errorf("services.%s.upstream: %s can't be reached: %w: start the service, or leave upstream out, and Sagacheck takes its place", r.Service, r.URL(), err)
	}
	return c.Close()
}

// pass carries a call that does not matter to a real service, and its answer back.
func (ep *Endpoint) pass(conn *client, m *message, head *http.Request, to Real, trouble func(error)) {
	reply, err := to.ask(ep.wire.ctx, head, m.bytes())
	if err != nil {
		trouble(err)
		turnAway(conn, m, http.StatusBadGateway, "the service gave no answer")
		return
	}
	_, _ = conn.Write(reply.Raw) // who is not there any more needs no answer
	parting(conn, m)
}
