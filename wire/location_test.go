package wire_test

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/wire"
)

// What an answer names as its Location is reached through the wire, or the call is trouble.
func TestRelocate(t *testing.T) {
	place := func(to *url.URL) (*url.URL, bool) {
		switch to.Host {
		case "127.0.0.1:4001", "api.pay.example":
			return to, true
		case "127.0.0.1:9002": // another service, behind
			return &url.URL{Scheme: "http", Host: "127.0.0.1:4002", Path: to.Path}, true
		}
		return nil, false
	}
	for _, c := range []struct{ host, location, want string }{
		{"127.0.0.1:4001", "/v2/payments?a=b", "/v2/payments?a=b"},
		{"127.0.0.1:4001", "v2", "v2"},
		{"127.0.0.1:4001", "://", "://"},
		{"127.0.0.1:4001", "http://127.0.0.1:9001/v2?a=b#c", "http://127.0.0.1:4001/v2?a=b#c"},
		{"127.0.0.1:4001", "//127.0.0.1:9001/v2", "http://127.0.0.1:4001/v2"},
		{"127.0.0.1:4001", "HTTP://LocalHost:9001/v2", "http://127.0.0.1:4001/v2"},
		{"127.0.0.1:4001", "http://[::1]:9001/v2", "http://127.0.0.1:4001/v2"},
		{"api.pay.example", "http://127.0.0.1:9001/v2", "https://api.pay.example/v2"},
		{"127.0.0.1:4001", "http://127.0.0.1:4001/v2", "http://127.0.0.1:4001/v2"},
		{"127.0.0.1:4001", "https://api.pay.example/v2", "https://api.pay.example/v2"},
		{"127.0.0.1:4001", "http://127.0.0.1:9002/v2", "http://127.0.0.1:4002/v2"},
		{"127.0.0.1:4001", "https://127.0.0.1:9001/v2", ""},
		{"127.0.0.1:4001", "http://127.0.0.1:9003/v2", ""},
		{"127.0.0.1:4001", "http://pay.internal:9001/v2", ""},
		{"127.0.0.1:4001", "mailto:somebody", "mailto:somebody"},
	} {
		head := &http.Request{Method: http.MethodPost, URL: &url.URL{Path: "/payments"}, Host: c.host}
		if c.host == "api.pay.example" {
			head.TLS = &tls.ConnectionState{}
		}
		real := &url.URL{Scheme: "http", Host: "127.0.0.1:9001"}
		for code, follows := range map[int]bool{301: true, 302: true, 303: true, 307: true, 308: true, 201: false, 304: false} {
			got, err := wire.Relocate(head, code, c.location, real, place)
			want := c.want
			if want == "" && !follows {
				want = c.location // nobody is sent there
			}
			if got != want || (err == nil) != (want != "") {
				t.Errorf("%d %s: %q, %v; expected %q", code, c.location, got, err, want)
			}
			if err != nil && !strings.Contains(err.Error(), "http://127.0.0.1:9001 answered POST /payments with 30") {
				t.Errorf("%d %s: %v", code, c.location, err)
			}
		}
	}
}
