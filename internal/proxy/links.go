// Package proxy forwards connections by Toxiproxy's links, behind accept loops of our own:
// those of the wire, each connection through a chain of toxics of its own, and those of
// the addresses in front of an engine's store.
package proxy

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// Links makes links. It is Toxiproxy without its API, its log, and its listeners.
type Links struct {
	srv   *toxiproxy.ApiServer
	proxy *toxiproxy.Proxy // never started
	n     atomic.Uint64
}

// NewLinks makes them; there is nothing to close.
func NewLinks() *Links {
	srv := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	return &Links{srv: srv, proxy: toxiproxy.NewProxy(srv, "sagacheck", "127.0.0.1:0", "")}
}

// Chain is a chain of toxics, without one yet.
func (l *Links) Chain() *toxiproxy.ToxicCollection { return toxiproxy.NewToxicCollection(l.proxy) }

// End is one end of a connection: what comes from it is read, what is for it is written,
// and the link that writes closes it when it is over.
type End struct {
	io.Reader
	io.WriteCloser
}

// Join forwards both ways through a chain: up from near to far, down from far to near.
// A link whose writes fail leaves its goroutines behind, waiting for somebody to take the
// rest: so writes must not fail.
func (l *Links) Join(chain *toxiproxy.ToxicCollection, near, far End) {
	n := l.n.Add(1)
	chain.StartLink(l.srv, fmt.Sprint(n, " up"), near.Reader, far.WriteCloser, stream.Upstream)
	chain.StartLink(l.srv, fmt.Sprint(n, " down"), far.Reader, near.WriteCloser, stream.Downstream)
}

// scarcity is the pause after an accept that failed for want of file descriptors: it lets
// some go.
const scarcity = 5 * time.Millisecond

// Accept hands connections on until the listener is closed for good. Where one can't be
// accepted, wait is called with the end of a pause, and may wait for something else.
func Accept(ln net.Listener, serve func(*net.TCPConn), wait func(scarce <-chan time.Time)) {
	for {
		c, err := ln.Accept()
		switch {
		case err == nil:
			serve(c.(*net.TCPConn))
		case errors.Is(err, net.ErrClosed):
			return
		default:
			wait(time.After(scarcity))
		}
	}
}
