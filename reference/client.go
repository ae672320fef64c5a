package reference

import (
	"context"
	"net"
	"net/http"
)

// smallBuffer holds what most calls and answers are, in bytes: each connection makes
// its buffers anew. What is longer goes through in parts.
const smallBuffer = 1 << 10

// newClient makes one connection a call, which also keeps net/http from sending
// a call a second time by itself, and follows nothing. Another transport carries calls as it
// likes.
func newClient(t targets, other http.RoundTripper) *http.Client {
	c := &http.Client{
		Transport:     other,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if other == nil {
		c.Transport = &http.Transport{
			DisableKeepAlives: true,
			ReadBufferSize:    smallBuffer,
			WriteBufferSize:   smallBuffer,
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				// No keep-alive: a connection is for one call, which has its time-out.
				d := net.Dialer{Control: t.control(address), KeepAlive: -1}
				return d.DialContext(ctx, network, address)
			},
		}
	}
	return c
}
