package wire

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Place is where clients reach a URL through the wire; not ok: nowhere.
type Place func(*url.URL) (through *url.URL, ok bool)

// Relocate gives the Location of an answer as the client of a proxy has to get it. One that
// names the service behind the proxy (real) would lead past the proxy, and names the address
// that the client has called (head) in its place, as reverse proxies do (proxy_redirect of
// nginx); one that names another service with a place, that place. A relative one leads back
// as it is. It is an error where a client is sent (301, 302, 303, 307, 308) to what has no
// place: what it would do there nobody would see.
func Relocate(head *http.Request, code int, location string, real *url.URL, place Place) (string, error) {
	to, err := real.Parse(location)
	if rel, _ := url.Parse(location); err != nil || rel.Host == "" || to.Scheme != "http" && to.Scheme != "https" {
		return location, nil
	}
	if called := (&url.URL{Scheme: scheme(head), Host: head.Host}); SameServer(to, real) {
		if _, ok := place(called); ok {
			to.Scheme, to.Host = called.Scheme, called.Host
			return to.String(), nil
		}
	}
	through, ok := place(to)
	switch {
	case ok && *through == *to:
		return location, nil
	case ok:
		return through.String(), nil
	case !slices.Contains([]int{301, 302, 303, 307, 308}, code):
		return location, nil
	}
	return "", fmt.Errorf("%s answered %s %s with %d and Location: %s: no service of the workflow is there, and who follows it goes past Sagacheck",
		real, head.Method, head.URL.RequestURI(), code, location)
}

// scheme is that of the URL which a client has called.
func scheme(head *http.Request) string {
	if head.TLS != nil {
		return "https"
	}
	return "http"
}

// SameServer tells whether two URLs are of one server: the same port of this machine, under
// whatever name.
func SameServer(a, b *url.URL) bool {
	return strings.EqualFold(a.Scheme, b.Scheme) && port(a) == port(b) &&
		(strings.EqualFold(a.Hostname(), b.Hostname()) || Stays(a.Host) && Stays(b.Host))
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return map[string]string{"http": "80", "https": "443"}[u.Scheme]
}

// relocate gives the Location that keeps a client of the service on the wire; empty: it is
// that already, or there is none.
func (r Real) relocate(head *http.Request, reply Reply) (string, error) {
	location := reply.Header.Get("Location")
	if location == "" {
		return "", nil
	}
	to, err := Relocate(head, reply.Code, location, r.URL(), r.Place)
	switch {
	case err != nil:
		return "", fmt.Errorf("services.%s.upstream: %w: expected a Location in it, or in another service of the file: "+
			"let upstream be where the call is served in the end, declare what is there as a service (upstream, or host), or leave upstream out, and Sagacheck takes its place", r.Service, err)
	case to == location:
		return "", nil
	}
	return to, nil
}
