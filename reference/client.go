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
// a call a second time by itself, and follows nothing.
func newClient(t targets) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DisableKeepAlives: true,
			ReadBufferSize:    smallBuffer,
			WriteBufferSize:   smallBuffer,
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				// No keep-alive: a connection is for one call, which has its time-out.
				d := net.Dialer{Control: t.control(address), KeepAlive: -1}
				return d.DialContext(ctx, network, address)
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
