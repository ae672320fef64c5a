package participants

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"time"

	"github.com/sagacheck/sagacheck/internal/garble"
)

// Served is what the wire knows of a connection: the attempt and its world.
// Received is told when the request has been read, Answered when the answer is
// about to be handed to the connection, Done when nothing is recorded of it any
// more.
type Served struct {
	Call     Call
	World    *World
	Handle   Handler // nil: World.Handle
	Asks     bool    // it asks what was done: nothing of it is recorded here
	Received func()
	Answered func(Answer)
	Done     func()
}

// Handler does one call.
type Handler func(c Call, h http.Header, body []byte) Answer

// Server answers for the participants of all cells of a run.
type Server struct {
	http *http.Server
	ln   net.Listener
	done chan error
}

// Limits of a request, beyond those of the wire.
const (
	maxHead = 2 << 20
	maxBody = 64 << 20
)

// Serve starts to answer on a free port of 127.0.0.1. resolve finds the attempt
// by the address that a connection comes from.
func Serve(resolve func(remote string) (Served, bool)) (*Server, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{ln: ln, done: make(chan error, 1)}
	s.http = &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(w, r, resolve) }),
		ReadHeaderTimeout: time.Minute,
		MaxHeaderBytes:    maxHead,
		ErrorLog:          log.New(io.Discard, "", 0), // broken connections are what we are here for
	}
	s.http.SetKeepAlivesEnabled(false) // one call is one connection
	go func() { s.done <- s.http.Serve(ln) }()
	return s, nil
}

// Addr is the address of the server.
func (s *Server) Addr() string { return s.ln.Addr().String() }

// Close ends the server and its connections.
func (s *Server) Close() error {
	err := s.http.Close()
	if serr := <-s.done; !errors.Is(serr, http.ErrServerClosed) {
		err = errors.Join(err, serr)
	}
	return err
}

func answer(w http.ResponseWriter, r *http.Request, resolve func(string) (Served, bool)) {
	s, ok := resolve(r.RemoteAddr)
	if !ok {
		writeAnswer(w, *problem(http.StatusNotFound, "unknown connection", "not through the wire"))
		return
	}
	defer s.Done()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		// The request is incomplete: a participant never acts on half a request.
		panic(http.ErrAbortHandler)
	}
	s.Received()
	handle := s.World.Handle
	if s.Handle != nil {
		handle = s.Handle
	}
	a := handle(s.Call, r.Header, body)
	if !s.Asks {
		s.World.Answered(s.Call, a)
	}
	s.Answered(a)
	if a.Hangup {
		hangUp(w)
		return
	}
	if a.Raw != nil {
		writeRaw(w, a.Raw)
		return
	}
	writeAnswer(w, a)
}

// writeRaw writes an answer byte for byte, and ends the connection.
func writeRaw(w http.ResponseWriter, raw []byte) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_, _ = conn.Write(raw) // a client that left is no error of ours
	_ = conn.Close()       // as above
}

// hangUp breaks the connection the way a killed process does.
func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if t, ok := conn.(*net.TCPConn); ok {
		_ = t.SetLinger(0) // the peer may be gone: then there is nothing to reset
	}
	_ = conn.Close()
}

func writeAnswer(w http.ResponseWriter, a Answer) {
	h, body := a.Content(time.Now())
	maps.Copy(w.Header(), h)
	w.WriteHeader(a.Code)
	_, _ = w.Write(body) // a client that left is no error of ours
}

// Content is the header and the body of an answer that is given now.
func (a Answer) Content(now time.Time) (http.Header, []byte) {
	h := a.Header.Clone()
	if h == nil {
		h = http.Header{}
	}
	if a.Exact {
		return h, a.Body
	}
	if after, _ := a.retryAfter(now); after != "" {
		h.Set("Retry-After", after)
	}
	kind, body := "application/json", a.Body
	switch {
	case a.Code == http.StatusNoContent:
		return h, nil
	case a.Garble == garble.Page:
		kind = "text/html; charset=utf-8"
	case body != nil:
	case a.Code >= 400:
		kind = "application/problem+json"
		body, _ = json.Marshal(map[string]any{"type": "about:blank", "title": a.Title, "status": a.Code, "detail": a.Detail}) // only text and a number
		body = append(body, '\n')
	default:
		body = []byte("{\"ok\":true}\n")
	}
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", kind)
	}
	return h, body
}

// Shutdown waits for handlers until the context ends, then closes.
func (s *Server) Shutdown(ctx context.Context) error {
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(err, s.Close())
	}
	<-s.done //nolint:errcheck // that it was shut down
	return nil
}
