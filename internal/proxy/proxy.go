package proxy

import (
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"
)

// Proxy forwards the connections of one address. The accept loop is ours, so that a
// cut closes what is open, at once and with a reset, and so that the listener may
// stay: while it is cut, new connections are reset as soon as they are there. They
// are not refused, since the kernel counts refused connections, and that count is
// the evidence of another fault (see faults, refuse).
type Proxy struct {
	upstream string
	ln       net.Listener
	links    *Links

	mu   sync.Mutex
	cut  bool
	open map[*pair]bool
	work sync.WaitGroup
}

// dialLimit bounds the wait for what stands behind a proxy.
const dialLimit = 5 * time.Second

// Start listens on a port of 127.0.0.1 for what is at upstream (host:port).
func Start(name string, port int, upstream string) (*Proxy, error) {
	ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("proxy %s: %w", name, err)
	}
	p := &Proxy{upstream: upstream, ln: ln, links: NewLinks(), open: map[*pair]bool{}}
	p.work.Go(func() {
		Accept(ln, func(c *net.TCPConn) { p.work.Go(func() { p.serve(c) }) }, func(scarce <-chan time.Time) { <-scarce })
	})
	return p, nil
}

// Addr is host:port of the proxy.
func (p *Proxy) Addr() string { return p.ln.Addr().String() }

// serve forwards a connection until one of its sides ends.
func (p *Proxy) serve(client *net.TCPConn) {
	c := &pair{client: client}
	if !p.add(c) {
		c.reset()
		return
	}
	defer p.remove(c)
	far, err := net.DialTimeout("tcp", p.upstream, dialLimit)
	if err != nil || !c.join(far.(*net.TCPConn)) {
		c.reset()
		return
	}
	c.links.Add(2)
	p.links.Join(p.links.Chain(), End{client, &side{client, c}}, End{far, &side{far, c}})
	c.links.Wait()
}

func (p *Proxy) add(c *pair) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.cut {
		p.open[c] = true
	}
	return !p.cut
}

func (p *Proxy) remove(c *pair) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
}

// Down resets all connections, those that are open and those to come.
func (p *Proxy) Down() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = true
	for c := range p.open {
		c.reset()
	}
}

// Up lets connections pass again.
func (p *Proxy) Up() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = false
}

// Stop ends everything and waits until it has ended.
func (p *Proxy) Stop() error {
	err := p.ln.Close()
	p.Down()
	p.work.Wait()
	return err
}

// pair is a connection through the proxy, with its two sides.
type pair struct {
	client *net.TCPConn
	links  sync.WaitGroup

	mu   sync.Mutex
	far  *net.TCPConn
	over bool
}

// join gives the pair its far side; false if it has ended meanwhile.
func (c *pair) join(far *net.TCPConn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		_ = far.Close() // nobody is left to be told
		return false
	}
	c.far = far
	return true
}

// reset ends the pair as if the network had gone: what is on its way is lost.
func (c *pair) reset() {
	_ = c.client.SetLinger(0) // fails on a closed connection only
	c.close()
}

// close ends both sides; again is no harm.
func (c *pair) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	_ = c.client.Close()
	if c.far != nil {
		_ = c.far.Close()
	}
}

// side is what a link writes to. A link whose writes fail would leave its goroutines
// behind, waiting for somebody to take the rest: so writes never fail, and the pair
// ends instead.
type side struct {
	net.Conn
	pair *pair
}

func (s *side) Write(b []byte) (int, error) {
	if _, err := s.Conn.Write(b); err != nil {
		s.pair.close()
	}
	return len(b), nil
}

// Close is called once, by the link at its end.
func (s *side) Close() error {
	s.pair.close()
	s.pair.links.Done()
	return nil
}
