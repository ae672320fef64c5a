package simulation

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/sagacheck/sagacheck/participants"
)

// Served is a service of the user's own in this process, to which calls are passed on.
type Served struct {
	Name    string
	Handler http.Handler
}

// Reply is the whole answer of such a service.
type Reply struct {
	Code   int
	Header http.Header // as it was when the head of the answer left
	Body   []byte
	Final  http.Header // as it was when the handler had returned
}

// Answer gives the reply on as it is.
func (r Reply) Answer() participants.Answer {
	return participants.Answer{Code: r.Code, Header: r.Header, Body: r.Body, Exact: true}
}

// answerLimit is how long such a service may take for an answer.
const answerLimit = 30 * time.Second

// Sent is a request as its bytes leave: its caller may change it when it has given up, and a
// service may get it later, or twice.
func Sent(r *http.Request, body []byte) ([]byte, error) {
	out := r.Clone(context.Background())
	out.Body = http.NoBody
	if len(body) > 0 {
		out.Body = io.NopCloser(bytes.NewReader(body))
	}
	if out.ContentLength >= 0 { // else it has none
		out.ContentLength = int64(len(body))
	}
	var raw bytes.Buffer
	if err := out.Write(&raw); err != nil {
		return nil, fmt.Errorf("%s %s: %w", r.Method, r.URL, err)
	}
	return raw.Bytes(), nil
}

// Ask passes a call of the cell on to a service, and waits for its answer. Not ok: there is
// none, and unless the cell is over, that is trouble.
func (c *Cell) Ask(s Served, raw []byte) (reply Reply, ok bool) {
	reply, err := s.ask(c.ctx, raw)
	if err != nil && c.ctx.Err() == nil {
		c.Trouble(err)
	}
	return reply, err == nil
}

var errSlow = fmt.Errorf("there was none after %s", answerLimit)

// ask calls the handler as net/http does: in a goroutine of its own, with a context that ends
// when it returns. Who has called it may have given up meanwhile; it is not told.
func (s Served) ask(ctx context.Context, raw []byte) (Reply, error) {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
	if err != nil {
		return Reply{}, fmt.Errorf("service %s: %w", s.Name, err)
	}
	called, end := context.WithCancel(ctx)
	defer end()
	r = r.WithContext(called)
	r.RemoteAddr = "127.0.0.1:1"
	w := &writer{header: http.Header{}, head: r.Method == http.MethodHead}
	answered := make(chan error, 1)
	go s.serve(w, r, answered)
	late := time.NewTimer(answerLimit)
	defer late.Stop()
	select {
	case err = <-answered:
	case <-late.C:
		err = errSlow
	case <-ctx.Done():
		return Reply{}, ctx.Err()
	}
	if err != nil {
		return Reply{}, fmt.Errorf("service %s gave no whole answer to %s %s, and no fault of the plan is the reason: %w", s.Name, r.Method, r.URL.RequestURI(), err)
	}
	return w.reply(), nil
}

// serve calls the handler, and contains its panic.
func (s Served) serve(w *writer, r *http.Request, answered chan<- error) {
	err := errors.New("its goroutine was ended (a Fatal or a Skip of the test?)")
	defer func() {
		if why := recover(); why != nil {
			err = fmt.Errorf("it panicked: %v\n%s", why, debug.Stack())
		}
		answered <- err
	}()
	s.Handler.ServeHTTP(w, r)
	err = nil
}

// writer keeps what a handler answers.
type writer struct {
	header, sent http.Header
	code         int // 0: the head of the answer has not left
	body         bytes.Buffer
	head         bool // is all that was asked for
}

var _ http.Flusher = (*writer)(nil)

// Header is that of the answer.
func (w *writer) Header() http.Header { return w.header }

// WriteHeader sends the head, once. One that comes before the answer (103) is left out.
func (w *writer) WriteHeader(code int) {
	switch {
	case code < 100 || code > 999:
		panic(fmt.Sprintf("invalid WriteHeader code %d", code))
	case w.code != 0, code < 200 && code != http.StatusSwitchingProtocols:
		return
	}
	w.code, w.sent = code, w.header.Clone()
}

// Write sends a part of the body. The first one says of which type it is, where nobody has.
func (w *writer) Write(part []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.code == http.StatusNoContent || w.code == http.StatusNotModified {
		return 0, http.ErrBodyNotAllowed
	}
	if _, typed := w.sent["Content-Type"]; !typed && len(part) > 0 && w.sent.Get("Content-Encoding") == "" {
		w.sent.Set("Content-Type", http.DetectContentType(part))
	}
	if w.head {
		return len(part), nil
	}
	return w.body.Write(part)
}

// Flush sends the head.
func (w *writer) Flush() { w.WriteHeader(http.StatusOK) }

func (w *writer) reply() Reply {
	w.WriteHeader(http.StatusOK) // unless it has said another
	return Reply{Code: w.code, Header: w.sent, Body: append([]byte{}, w.body.Bytes()...), Final: w.header}
}
