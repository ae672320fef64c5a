package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Proxy is the forward proxy of a system whose calls go to hosts and not to addresses
// of ours: http in absolute form, and tunnels (CONNECT) with TLS or plain HTTP inside.
// What comes to the host of a service goes on as if it had come to the address of the
// service. What comes to a host that nobody has declared is refused, so that nothing
// leaves the machine.
type Proxy struct {
	// Hosts are the services by host, or host:port. A host without port is that of
	// every port.
	Hosts map[string]string
	// Authority vouches for the hosts.
	Authority *Authority
	// Router tells what the calls are.
	Router Router
}

// Forward makes an endpoint the address of a forward proxy until it is released.
func (ep *Endpoint) Forward(p *Proxy) { ep.proxy.Store(p) }

// ProxyEnv are the variables that make a process use a forward proxy (host:port) and
// trust its authority (a PEM file): all that clients are known to look at.
func ProxyEnv(addr, caFile string) map[string]string {
	env := map[string]string{"NODE_USE_ENV_PROXY": "1"}
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"} {
		env[name], env[strings.ToLower(name)] = "http://"+addr, "http://"+addr
	}
	for _, name := range []string{"NO_PROXY", "no_proxy"} { // what is excepted in our own environment
		env[name] = ""
	}
	for _, name := range []string{"SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE", "DENO_CERT"} {
		env[name] = caFile
	}
	return env
}

// Service finds the service of host:port.
func (p *Proxy) Service(hostPort string) (name string, ok bool) {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		host = strings.Trim(hostPort, "[]")
	}
	for _, key := range []string{strings.ToLower(hostPort), strings.ToLower(host)} {
		if name, ok = p.Hosts[key]; ok {
			return name, true
		}
	}
	return "", false
}

// serve carries one connection of which the first byte is there.
func (p *Proxy) serve(ep *Endpoint, conn *client, m *message) {
	began := time.Now().Add(-sinceReceived(conn.tcp))
	quickAck(conn.tcp)
	head := conn.request(m, p.Router.Trouble)
	if head == nil {
		return
	}
	target := head.Host
	if head.Method != http.MethodConnect {
		target = head.URL.Host
	}
	service, declared := p.Service(target)
	switch {
	case target == "":
		p.Router.Trouble(fmt.Errorf("%s %s came to the forward proxy without a host: expected CONNECT, or an absolute URL", head.Method, head.URL.Path))
		turnAway(conn, m, http.StatusBadRequest, "this is a forward proxy")
	case !declared && Stays(target):
		ep.passOn(conn, m, head, target)
	case !declared:
		p.refuse(conn, m, head, target)
	case head.Method == http.MethodConnect:
		p.inside(ep, conn, m, target, service)
	default:
		m.retarget(head.RequestURI, head.URL.RequestURI())
		ep.routeRead(conn, m, head, began, served{service, p.Router})
	}
}

// refuse turns a call away that would leave the machine.
func (p *Proxy) refuse(conn *client, m *message, head *http.Request, target string) {
	p.Router.Trouble(fmt.Errorf("a call to the host %q (%s %s) was refused: no service has it; declared are %s",
		target, head.Method, head.RequestURI, strings.Join(slices.Sorted(maps.Keys(p.Hosts)), ", ")))
	turnAway(conn, m, http.StatusForbidden, fmt.Sprintf("no service has the host %s", target))
}

// established is the answer to CONNECT.
const established = "HTTP/1.1 200 Connection established\r\n\r\n"

// handshakeLimit bounds the wait for a client in the middle of a TLS handshake.
const handshakeLimit = 30 * time.Second

// tlsHandshake is the first byte of a TLS connection (RFC 8446, 5.1).
const tlsHandshake = 0x16

// inside carries what is in a tunnel, as if it had come to the service's address.
func (p *Proxy) inside(ep *Endpoint, conn *client, m *message, target, service string) {
	if _, err := io.WriteString(conn, established); err != nil {
		return // nobody is there
	}
	t := &tunnel{TCPConn: conn.tcp, early: m.left()}
	first, err := t.first()
	if err != nil {
		return // a spare tunnel that was never used
	}
	inner := &client{Conn: t, tcp: conn.tcp}
	if first == tlsHandshake {
		secure, err := p.handshake(ep.wire.ctx, t, target)
		if err != nil {
			p.Router.Trouble(err)
			return
		}
		if secure == nil {
			return
		}
		inner.Conn = secure
	}
	call := newMessage(inner)
	if call.first() != nil {
		return // as above
	}
	ep.route(inner, call, served{service, p.Router})
}

// remoteAlert is how crypto/tls names what a peer says before it leaves.
const remoteAlert = "remote error"

// handshake is the host's side of TLS; nil: the client left in the middle. A client that
// does not trust the authority is an error: none of its calls will ever come.
func (p *Proxy) handshake(ctx context.Context, t *tunnel, target string) (*tls.Conn, error) {
	host, _, err := net.SplitHostPort(target)
	if err != nil {
		host = target
	}
	config, err := p.Authority.Server(host)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeLimit)
	defer cancel()
	secure := tls.Server(t, config)
	err = secure.HandshakeContext(ctx)
	switch {
	case err == nil:
		return secure, nil
	case Distrusted(ctx, err):
		return nil, fmt.Errorf("TLS with a client of %q failed: %w; does it trust the authority in ${ca.file}?", target, err)
	}
	return nil, nil
}

// Distrusted tells whether a TLS handshake ended in an error because of what the client made of
// it, and not because it left in the middle, or the context is over.
func Distrusted(ctx context.Context, err error) bool {
	var op *net.OpError
	return !brokenOff(err) && ctx.Err() == nil || errors.As(err, &op) && op.Op == remoteAlert
}

// Stays tells whether host:port is on this machine.
func Stays(hostPort string) bool {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		host = strings.Trim(hostPort, "[]")
	}
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// passOn carries a connection to an address on this machine as it is: a sibling, or an
// address of ours. Some clients know no exception for it.
func (ep *Endpoint) passOn(conn *client, m *message, head *http.Request, target string) {
	if head.Method != http.MethodConnect && head.URL.Port() == "" {
		target = net.JoinHostPort(head.URL.Hostname(), "80")
	}
	there, err := (&net.Dialer{Timeout: dialLimit}).DialContext(ep.wire.ctx, "tcp", target)
	if err != nil {
		turnAway(conn, m, http.StatusBadGateway, fmt.Sprintf("%s can't be reached", target))
		return
	}
	defer there.Close()                                                  //nolint:errcheck // nothing is left to lose
	defer context.AfterFunc(ep.wire.ctx, func() { _ = there.Close() })() // as above
	early := m.left()
	if head.Method == http.MethodConnect {
		if _, err := io.WriteString(conn, established); err != nil {
			return
		}
	} else {
		m.retarget(head.RequestURI, head.URL.RequestURI())
		early = m.raw
	}
	if _, err := there.Write(early); err != nil {
		return
	}
	ep.wire.running.Go(func() {
		_, _ = io.Copy(there, conn.tcp) // one side's end is the other's
		_ = there.(*net.TCPConn).CloseWrite()
	})
	_, _ = io.Copy(conn.tcp, there)
	_ = conn.Close()
}
