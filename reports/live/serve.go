package live

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/sagacheck/sagacheck/internal/pages"
)

// How long a request has to arrive, an answer to be fetched, a connection may be idle; and how long
// the pages that follow get, after the end, to be sent what came of the run.
const (
	requestTimeout = 5 * time.Second
	answerTimeout  = 20 * time.Second
	idleTimeout    = 30 * time.Second
	lastTimeout    = 500 * time.Millisecond
)

// CheckAddr refuses an address that others can reach: who looks is not asked for a token.
func CheckAddr(addr string) error {
	here, err := pages.Loopback(addr)
	switch {
	case err != nil:
		return fmt.Errorf("address %q: expected host:port, for example 127.0.0.1:0: %w", addr, err)
	case !here:
		return fmt.Errorf("address %q: others can reach it: expected 127.0.0.1", addr)
	}
	return nil
}

// Server shows a run until it is closed.
type Server struct {
	URL    string
	server *http.Server
}

// Serve shows a run on an address that CheckAddr takes; port 0: any.
func Serve(ctx context.Context, addr string, v *View) (*Server, error) {
	if err := CheckAddr(addr); err != nil {
		return nil, err
	}
	l, err := listen(ctx, addr)
	if err != nil {
		return nil, err
	}
	s := &Server{"http://" + l.Addr().String() + "/", newServer(Handler(v))}
	go s.server.Serve(l) //nolint:errcheck // whatever ends it, the run goes on without being looked at
	return s, nil
}

// Close ends the server. Whoever follows is told the end of the run first, if it was told to the
// view, and takes it at once.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), lastTimeout)
	defer cancel()
	if s.server.Shutdown(ctx) == nil {
		return nil
	}
	return s.server.Close()
}
