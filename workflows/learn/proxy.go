package learn

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/wire"
)

// forward is a forward proxy for services that the workflow calls by their hosts: what
// comes for one goes on as if it had come to the recorder's address for the service.
type forward struct {
	recorder *Recorder
	hosts    wire.Proxy
	addr     string
	local    *httputil.ReverseProxy // to addresses on this machine
	ctx      context.Context        // ends with the recorder
}

// proxy makes the forward proxy of a recorder; hosts are service → host.
func (r *Recorder) proxy(ctx context.Context, hosts map[string]string) error {
	if len(hosts) == 0 {
		return nil
	}
	authority, err := wire.NewAuthority()
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("an address for the forward proxy: %w", err)
	}
	f := &forward{
		recorder: r, addr: l.Addr().String(), ctx: ctx,
		hosts: wire.Proxy{Hosts: map[string]string{}, Authority: authority},
		local: &httputil.ReverseProxy{Transport: r.client.Transport, Rewrite: func(*httputil.ProxyRequest) {}},
	}
	for service, host := range hosts {
		f.hosts.Hosts[strings.ToLower(host)] = service
	}
	r.forwarder = f
	r.serve(l, f)
	return nil
}

// Proxy is the address of the forward proxy, and the certificate of the authority that
// vouches for its hosts; ok is false where no service has a host.
func (r *Recorder) Proxy() (addr string, authority []byte, ok bool) {
	if r.forwarder == nil {
		return "", nil, false
	}
	return r.forwarder.addr, r.forwarder.hosts.Authority.PEM(), true
}

// ServeHTTP takes a call to a host, or a tunnel to one.
func (f *forward) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	target := req.URL.Host
	if req.Method == http.MethodConnect {
		target = req.Host
	}
	service, declared := f.hosts.Service(target)
	local := !declared && wire.Stays(target)
	switch {
	case target == "":
		http.Error(w, "this is a forward proxy", http.StatusBadRequest)
	case !declared && !local:
		f.recorder.trouble(fmt.Errorf("a call to the host %q was refused: no service has it (--host NAME=%[1]s); declared are %s",
			target, strings.Join(slices.Sorted(maps.Keys(f.hosts.Hosts)), ", ")))
		http.Error(w, "no service has the host "+target, http.StatusForbidden)
	case req.Method == http.MethodConnect && local:
		f.tunnel(w, target, nil)
	case req.Method == http.MethodConnect:
		host, _, err := net.SplitHostPort(target)
		if err != nil {
			host = target
		}
		config, err := f.hosts.Authority.Server(host)
		if err != nil {
			f.recorder.trouble(err)
			return
		}
		f.tunnel(w, strings.TrimPrefix(f.recorder.Addr(service), "http://"), config)
	case local:
		f.local.ServeHTTP(w, req)
	default:
		f.recorder.handlers[service].ServeHTTP(w, req)
	}
}

// tlsHandshake is the first byte of a TLS connection (RFC 8446, 5.1).
const tlsHandshake = 0x16

// tunnel joins a client with an address. TLS ends here, if there is a config for it.
func (f *forward) tunnel(w http.ResponseWriter, to string, config *tls.Config) {
	there, err := (&net.Dialer{}).DialContext(f.ctx, "tcp", to)
	if err != nil {
		http.Error(w, to+" can't be reached", http.StatusBadGateway)
		return
	}
	defer there.Close() //nolint:errcheck // nothing is left to lose
	conn, early, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return // the client has left
	}
	defer conn.Close()                                             //nolint:errcheck // as above
	defer context.AfterFunc(f.ctx, func() { _ = conn.Close() })()  // ends the copying below
	defer context.AfterFunc(f.ctx, func() { _ = there.Close() })() // as above
	if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return // as above
	}
	inside := net.Conn(&peeked{conn, early.Reader})
	first, err := early.Peek(1)
	if err != nil {
		return // a spare tunnel that was never used
	}
	if config != nil && first[0] == tlsHandshake {
		secure := tls.Server(inside, config)
		if err := secure.HandshakeContext(f.ctx); err != nil {
			if !wire.Distrusted(f.ctx, err) {
				return // the client has left
			}
			f.recorder.trouble(fmt.Errorf("TLS with the workflow failed: %w; does it trust the authority in ${ca.file}?", err))
			return
		}
		inside = secure
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.Copy(there, inside)         // one side's end is the other's
		_ = there.(*net.TCPConn).CloseWrite() // as above
	}()
	_, _ = io.Copy(inside, there) // as above
	_ = inside.Close()            // who left needs no end
	<-sent
}

// peeked is a connection of which some bytes have been read already.
type peeked struct {
	net.Conn
	early *bufio.Reader
}

func (p *peeked) Read(b []byte) (int, error) { return p.early.Read(b) }
