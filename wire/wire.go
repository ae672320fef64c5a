package wire

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sagacheck/sagacheck/internal/proxy"
	"github.com/sagacheck/sagacheck/participants"
)

// Wire is the pool of proxy addresses of a run. Listeners live as long as the
// run, since fresh ones slow down as closed sockets pile up; a cell leases gates
// and gives each a script.
type Wire struct {
	links *proxy.Links
	ports [2]int // from, and up to but not

	mu   sync.Mutex
	free []*Gate
	all  map[string]*Gate // by address: one that is shut for a while keeps its port
	done bool

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
		links: proxy.NewLinks(), ctx: ctx, stop: stop, all: map[string]*Gate{},
		ports: [2]int{portLow, portHigh},
	}
}

// Close closes all listeners and connections and waits until nothing runs.
func (w *Wire) Close() error {
	w.mu.Lock()
	w.done = true
	gates := slices.Collect(maps.Values(w.all))
	w.mu.Unlock()
	w.stop()
	var errs []error
	for _, g := range gates {
		errs = append(errs, g.close())
	}
	w.running.Wait()
	return errors.Join(errs...)
}

// Lease takes n gates out of the pool, opening listeners where it is short.
func (w *Wire) Lease(n int) ([]*Gate, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		return nil, errors.New("the wire is closed")
	}
	for len(w.free) < n {
		g, err := w.open()
		if err != nil {
			return nil, fmt.Errorf("open a proxy address: %w", err)
		}
		w.free = append(w.free, g)
	}
	leased := w.free[len(w.free)-n:]
	w.free = w.free[: len(w.free)-n : len(w.free)-n]
	return leased, nil
}

// LeaseAt is a gate at an address that somebody else chose, of which a system that runs
// already was told.
func (w *Wire) LeaseAt(addr string) (*Gate, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		return nil, errors.New("the wire is closed")
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	g := &Gate{wire: w, addr: ln.Addr().String(), ln: ln.(*net.TCPListener), fixed: true}
	w.all[g.addr] = g
	w.running.Go(g.accept)
	return g, nil
}

// Release gives gates back. Connections that still come for the old cell are
// told that their saga is gone. One that could not be opened again is dropped.
func (w *Wire) Release(gates []*Gate) {
	var sound, shut []*Gate
	for _, g := range gates {
		g.script.Store(nil)
		g.router.Store(nil)
		g.proxy.Store(nil)
		if g.listens() && !g.fixed {
			sound = append(sound, g)
			continue
		}
		shut = append(shut, g)
		_ = g.close() // it is given up
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.free = append(w.free, sound...)
	for _, g := range shut {
		delete(w.all, g.addr)
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

// The ports of gates lie below the ephemeral range of Linux (32768 and up), so
// that a port is not taken by an outgoing connection while its gate is closed,
// and below those of orchestrators (see package orchestrators), so that a gate
// does not take the port of one that was killed.
const (
	portLow  = 10000
	portHigh = 18000
)

func (w *Wire) open() (*Gate, error) {
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
		g := &Gate{wire: w, addr: addr, ln: ln.(*net.TCPListener)}
		w.all[addr] = g
		w.running.Go(g.accept)
		return g, nil
	}
	return nil, last
}
