package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/internal/pages"
	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/reference/catalogue"
	"github.com/sagacheck/sagacheck/reference/store"
)

// ServeOptions configure Serve.
type ServeOptions struct {
	reference.Options
	Access
	Addr string // host:port; port 0: any
	// Metrics answers GET /metrics; nil: there are none.
	Metrics http.Handler
	// Catalogue has the definitions of sagas that clients start by their name; nil: they start none so.
	Catalogue *catalogue.Catalogue
	// Drain is how long calls under way get to end when ctx ends; 0: DefaultDrain.
	Drain time.Duration
	Ready func(addr string) // called with the address when sagas are accepted; may be nil
}

// DefaultDrain is how long calls under way get to end.
const DefaultDrain = 10 * time.Second

// How long a request has to arrive, an answer to be fetched, and a connection may be
// idle. A client that takes longer holds up nobody but itself.
const (
	headerTimeout  = 5 * time.Second
	requestTimeout = 10 * time.Second
	answerTimeout  = 20 * time.Second // since the header arrived
	idleTimeout    = 30 * time.Second
	closingTimeout = time.Second
)

// Serve runs an executor as a server until ctx ends; then it drains. It listens
// first and opens the store then; while another executor owns the store it stands
// by, also when it is superseded.
func Serve(ctx context.Context, o ServeOptions) error {
	if err := o.Check(); err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.Addr)
	if err != nil {
		return fmt.Errorf("listen on %q: %w", o.Addr, err)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	f := newFront(o.Access, nil, o.Metrics)
	f.catalogue = o.Catalogue
	srv := newServer(f)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(limitListener(l, reference.Connections())) }()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() { cancel(<-served) }() // whoever can't serve ends
	ready := func() {
		if o.Ready != nil {
			o.Ready(l.Addr().String())
			o.Ready = nil
		}
	}
	err = f.reign(ctx, o, ready)
	if cause := context.Cause(ctx); err == nil && !errors.Is(cause, context.Canceled) && !errors.Is(cause, http.ErrServerClosed) {
		err = cause
	}
	return errors.Join(err, shutdown(srv))
}

func newServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, MaxHeaderBytes: 64 << 10,
		ReadHeaderTimeout: headerTimeout, ReadTimeout: requestTimeout, WriteTimeout: answerTimeout, IdleTimeout: idleTimeout,
	}
}

// reign opens the store each time that it is ours, until ctx ends.
func (f *front) reign(ctx context.Context, o ServeOptions, ready func()) error {
	for ctx.Err() == nil {
		o.Health = store.NewHealth(o.Logger)
		f.health.Store(o.Health)
		e, err := reference.Open(ctx, o.Options)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		f.executor.Store(e)
		ready()
		select {
		case <-e.Lost():
			f.executor.Store(nil)
			why := e.Owned()
			if err := e.Close(); err != nil {
				return errors.Join(why, err)
			}
			if !errors.Is(why, store.ErrSuperseded) { // there is nothing to wait for
				return why
			}
		case <-ctx.Done():
			drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), cmp.Or(o.Drain, DefaultDrain))
			o.Logger.Info("draining: no new attempts")
			e.Drain(drain)
			cancel()
			return e.Close()
		}
	}
	return nil
}

// shutdown answers what is being answered, and no more.
func shutdown(srv *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), closingTimeout)
	defer cancel()
	if srv.Shutdown(ctx) == nil {
		return nil
	}
	return srv.Close() // somebody never finished a request
}

// Check finds mistakes in the options before anything is opened.
func (o ServeOptions) Check() error {
	if o.Token != strings.TrimSpace(o.Token) {
		return errors.New("token: expected no white space around it: no request could bring it")
	}
	if err := checkAddr(o.Addr, o.Access); err != nil {
		return err
	}
	if o.StoreDSN != "" {
		if err := store.CheckDSN(o.StoreDSN); err != nil {
			return err
		}
	}
	refuses, err := reference.CheckTargets(o.Targets)
	if err == nil && o.Catalogue != nil {
		err = o.Catalogue.Check(refuses)
	}
	return err
}

// checkAddr refuses to be reachable from elsewhere by whoever comes along.
func checkAddr(addr string, a Access) error {
	here, err := pages.Loopback(addr)
	if err != nil {
		return fmt.Errorf("address %q: %w", addr, err)
	}
	if here || a.Token != "" {
		return nil
	}
	return fmt.Errorf("address %q: others can reach it: expected 127.0.0.1, or a token", addr)
}

// limitedListener answers 503 to connections for which there is no room.
type limitedListener struct {
	net.Listener
	room   chan struct{}
	lounge chan struct{} // those that are being turned away
}

// maxTurnedAway is how many are told so at once; others just see the end.
const maxTurnedAway = 16

func limitListener(l net.Listener, n int) net.Listener {
	return &limitedListener{l, make(chan struct{}, n), make(chan struct{}, maxTurnedAway)}
}

const noRoom = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"

func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.room <- struct{}{}:
			return &limitedConn{Conn: c, leave: l.room}, nil
		default:
			l.turnAway(c)
		}
	}
}

// turnAway answers what is asked first, without looking at it.
func (l *limitedListener) turnAway(c net.Conn) {
	select {
	case l.lounge <- struct{}{}:
	default:
		_ = c.Close()
		return
	}
	go func() {
		defer func() { <-l.lounge }()
		defer c.Close() //nolint:errcheck // it is turned away
		_ = c.SetDeadline(time.Now().Add(closingTimeout))
		if _, err := c.Read(make([]byte, 4096)); err == nil {
			_, _ = c.Write([]byte(noRoom)) // who does not read it sees the end
		}
	}()
}

// limitedConn makes room when it is closed.
type limitedConn struct {
	net.Conn
	once  sync.Once
	leave chan struct{}
}

func (c *limitedConn) Close() error {
	c.once.Do(func() { <-c.leave })
	return c.Conn.Close()
}
