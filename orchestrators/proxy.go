package orchestrators

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// Proxy is an address of ours in front of something that the engine talks to: its
// database, above all.
type Proxy struct {
	Name     string `yaml:"name" json:"name" jsonschema:"required,pattern=^[a-z0-9][a-z0-9-]*$,description=Its address is ${proxy.NAME}"`
	Upstream string `yaml:"upstream" json:"upstream" jsonschema:"required,description=host:port of what stands behind it"`
	Store    bool   `yaml:"store,omitempty" json:"store,omitempty" jsonschema:"description=The engine reaches its store through it: a store outage cuts it"`
}

// proxy forwards connections by Toxiproxy's links. The accept loop is ours, so that
// a cut closes what is open, at once and with a reset, and so that the listener may
// stay: while it is cut, new connections are reset as soon as they are there. They
// are not refused, since the kernel counts refused connections, and that count is
// the evidence of another fault (see faults, refuse).
type proxy struct {
	spec     Proxy
	addr     string
	upstream string
	ln       net.Listener
	srv      *toxiproxy.ApiServer
	links    *toxiproxy.ToxicCollection

	mu    sync.Mutex
	cut   bool
	open  map[*pair]bool
	count int
	work  sync.WaitGroup
}

// dialLimit bounds the wait for what stands behind a proxy.
const dialLimit = 5 * time.Second

// startProxy listens on the port, for the upstream with its templates filled.
func startProxy(spec Proxy, port int, upstream string) (*proxy, error) {
	ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("proxy %s: %w", spec.Name, err)
	}
	srv := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	p := &proxy{spec: spec, addr: ln.Addr().String(), upstream: upstream, ln: ln, srv: srv, open: map[*pair]bool{}}
	p.links = toxiproxy.NewToxicCollection(toxiproxy.NewProxy(srv, spec.Name, p.addr, upstream))
	p.work.Go(p.accept)
	return p, nil
}

// accept ends with the listener.
func (p *proxy) accept() {
	for {
		c, err := p.ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of file descriptors: let some go
			time.Sleep(5 * time.Millisecond)
			continue
		}
		p.work.Go(func() { p.serve(c.(*net.TCPConn)) })
	}
}

// serve forwards a connection until one of its sides ends.
func (p *proxy) serve(client *net.TCPConn) {
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
	p.mu.Lock()
	p.count++
	n := p.count
	p.mu.Unlock()
	c.links.Add(2)
	p.links.StartLink(p.srv, fmt.Sprint(n, " up"), client, &side{far, c}, stream.Upstream)
	p.links.StartLink(p.srv, fmt.Sprint(n, " down"), far, &side{client, c}, stream.Downstream)
	c.links.Wait()
}

func (p *proxy) add(c *pair) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.cut {
		p.open[c] = true
	}
	return !p.cut
}

func (p *proxy) remove(c *pair) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
}

// down resets all connections, those that are open and those to come.
func (p *proxy) down() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = true
	for c := range p.open {
		c.reset()
	}
}

func (p *proxy) up() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = false
}

// stop ends everything and waits until it has ended.
func (p *proxy) stop() error {
	err := p.ln.Close()
	p.down()
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
