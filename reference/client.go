package reference

import (
	"context"
	"net"
	"net/http"
)

// newClient makes one connection a call, which also keeps net/http from sending
// a call a second time by itself, and follows nothing.
func newClient(t targets) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				return (&net.Dialer{Control: t.control(address)}).DialContext(ctx, network, address)
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
