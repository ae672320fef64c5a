package wire

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sagacheck/sagacheck/internal/proxy"
	"github.com/sagacheck/sagacheck/participants"
)

// Wire is the pool of proxy addresses of a run. Listeners live as long as the
// run, since fresh ones slow down as closed sockets pile up; a cell leases endpoints
// and gives each a script.
type Wire struct {
	links *proxy.Links
	ports [2]int // from, and up to but not

	mu   sync.Mutex
	free []*Endpoint
	all  map[string]*Endpoint // by address: one that is shut for a while keeps its port
	done bool

	over      atomic.Pointer[func(*http.Request) bool]
	upstreams sync.Map // remote address as the upstream sees it → *exchange
	exchanges atomic.Uint64
	running   sync.WaitGroup
	ctx       context.Context // of the connections
	stop      context.CancelFunc
}

// New makes an empty pool.
func New() *Wire {
	registerToxics()
	ctx, stop := context.WithCancel(context.Background())
	return &Wire{
		links: proxy.NewLinks(), ctx: ctx, stop: stop, all: map[string]*Endpoint{},
		ports: [2]int{portLow, portHigh},
	}
}

// Over says who is told of what comes to an address that another cell had, or has: he answers
// whether it is of a saga whose cell is over.
func (w *Wire) Over(tell func(head *http.Request) bool) { w.over.Store(&tell) }

// ofOver tells of a request that came to an address that it has not been given, or no longer has.
// Whoever only looks does nothing.
func (w *Wire) ofOver(head *http.Request) bool {
	tell := w.over.Load()
	return tell != nil && !looks(head.Method) && (*tell)(head)
}

// Close closes all listeners and connections and waits until nothing runs.
func (w *Wire) Close() error {
	w.mu.Lock()
	w.done = true
	endpoints := slices.Collect(maps.Values(w.all))
	w.mu.Unlock()
	w.stop()
	var errs []error
	for _, ep := range endpoints {
		errs = append(errs, ep.close())
	}
	w.running.Wait()
	return errors.Join(errs...)
}

// Lease takes n endpoints out of the pool, opening listeners where it is short.
func (w *Wire) Lease(n int) ([]*Endpoint, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		return nil, errors.New("the wire is closed")
	}
	for len(w.free) < n {
		ep, err := w.open()
		if err != nil {
			return nil, fmt.Errorf("open a proxy address: %w", err)
		}
		w.free = append(w.free, ep)
	}
	leased := w.free[len(w.free)-n:]
	w.free = w.free[: len(w.free)-n : len(w.free)-n]
	return leased, nil
}

// LeaseAt is an endpoint at an address that somebody else chose, of which a system that runs
// already was told.
func (w *Wire) LeaseAt(addr string) (*Endpoint, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		return nil, errors.New("the wire is closed")
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	ep := &Endpoint{wire: w, addr: ln.Addr().String(), ln: ln.(*net.TCPListener), fixed: true}
	w.all[ep.addr] = ep
	w.running.Go(ep.accept)
	return ep, nil
}

// Release gives endpoints back. Connections that still come for the old cell are
// told that their saga is gone. One that could not be opened again is dropped.
func (w *Wire) Release(endpoints []*Endpoint) {
	var sound, shut []*Endpoint
	for _, ep := range endpoints {
		ep.script.Store(nil)
		ep.router.Store(nil)
		ep.proxy.Store(nil)
		if ep.listens() && !ep.fixed {
			sound = append(sound, ep)
			continue
		}
		shut = append(shut, ep)
		_ = ep.close() // it is given up
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.free = append(w.free, sound...)
	for _, ep := range shut {
		delete(w.all, ep.addr)
	}
}

// Resolve finds the attempt that a participant's connection belongs to. It lies
// inside the fence of its cell until Done is called.
func (w *Wire) Resolve(remote string) (participants.Served, bool) {
	v, ok := w.upstreams.Load(remote)
	if !ok {
		return participants.Served{}, false
	}
	x := v.(*exchange)
	if x.script.world == nil || !x.script.in.fence.enter() {
		return participants.Served{}, false
	}
	return participants.Served{
		Call: x.call, World: x.script.world, Handle: x.handle, Asks: x.read,
		Received: x.setReceived, Answered: x.setAnswered, Done: x.script.in.fence.leave,
	}, true
}

// The ports of endpoints lie below the ephemeral range of Linux (32768 and up), so
// that a port is not taken by an outgoing connection while its endpoint is closed,
// and below those of orchestrators (see package orchestrators), so that an endpoint
// does not take the port of one that was killed.
const (
	portLow  = 10000
	portHigh = 18000
)

func (w *Wire) open() (*Endpoint, error) {
	last := errors.New("no port of the range is free")
	for range 200 {
		addr := fmt.Sprintf("127.0.0.1:%d", w.ports[0]+rand.IntN(w.ports[1]-w.ports[0]))
		if w.all[addr] != nil {
			continue
		}
		ln, err := net.Listen("tcp", addr)
		if err != nil {
			last = err
			continue
		}
		ep := &Endpoint{wire: w, addr: addr, ln: ln.(*net.TCPListener)}
		w.all[addr] = ep
		w.running.Go(ep.accept)
		return ep, nil
	}
	return nil, last
}
