package harness

import (
	"net"
	"net/url"

	"github.com/sagacheck/sagacheck/wire"
)

// through is the base URL of an orchestrator with the address of an endpoint in the
// place of its own: the client speaks plain HTTP to the endpoint, whatever the
// orchestrator speaks. Credentials and path stay.
func through(base, endpoint string) string {
	u, err := url.Parse(base)
	if err != nil { // it was asked there before: it is a URL
		return base
	}
	u.Scheme, u.Host = "http", endpoint
	return u.String()
}

// upstream is where the endpoint of a submit sends what it gets.
func upstream(base string) wire.Upstream {
	u, err := url.Parse(base)
	if err != nil { // as above
		return wire.Upstream{Addr: base}
	}
	secure := u.Scheme == "https"
	port := u.Port()
	switch {
	case port != "":
	case secure:
		port = "443"
	default:
		port = "80"
	}
	return wire.Upstream{Addr: net.JoinHostPort(u.Hostname(), port), TLS: secure}
}
