package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/sagacheck/sagacheck/internal/pages"
	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/reference/catalogue"
	"github.com/sagacheck/sagacheck/reference/dashboard"
	"github.com/sagacheck/sagacheck/reference/store"
)

// Access says who may call the server.
type Access struct {
	// Token, if not empty, has to come with every request but for the health, as
	// Authorization: Bearer.
	Token string
	// Hosts are names under which the server may be called, besides localhost and
	// addresses. A name that leads here without being one of them is somebody
	// else's, as in DNS rebinding.
	Hosts []string
}

// front stands before the executor: it lets in who may, and says so while there is
// no executor that owns the store.
type front struct {
	access   Access
	health   atomic.Pointer[store.Health]       // what keeps the store from being opened
	executor atomic.Pointer[reference.Executor] // nil: standby
	mux      http.Handler
	metrics  http.Handler // nil: none
	// catalogue has the definitions of sagas that are started by their name; nil: none are.
	catalogue *catalogue.Catalogue
	submits   chan struct{} // bounds what is read and waits at once
	bodies    atomic.Int64  // bytes of those
}

// maxSubmits is how many submissions may be under way at once.
const maxSubmits = 1024

// maxBodies bounds the bytes of all bodies that are being read, or wait with what they
// say.
const maxBodies = 64 << 20

// countedBody counts what was read of a body.
type countedBody struct {
	io.ReadCloser
	all  *atomic.Int64
	read int64
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	if b.all.Add(int64(n)) > maxBodies {
		return 0, unavailable("too much at once")
	}
	return n, err
}

func newFront(a Access, e *reference.Executor, metrics http.Handler) *front {
	f := &front{access: a, metrics: metrics, submits: make(chan struct{}, maxSubmits)}
	f.mux = f.routes()
	if e != nil {
		f.executor.Store(e)
	}
	return f
}

// owner is the executor, if it may answer for the store.
func (f *front) owner() (*reference.Executor, error) {
	e := f.executor.Load()
	if e == nil {
		if now := f.health.Load().Any(); now != "" {
			return nil, unavailable("can't " + now)
		}
		return nil, unavailable("standby: another executor owns the store, or it is not open yet")
	}
	if e.Owned() != nil {
		return nil, unavailable("another executor owns the store, or may")
	}
	return e, nil
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if code, why := f.refuses(r); code != 0 {
		if code == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", "Bearer")
		}
		problem{Status: code, Detail: why}.write(w)
		return
	}
	if r.Method == http.MethodPost || r.Method == http.MethodPut {
		select {
		case f.submits <- struct{}{}:
			defer func() { <-f.submits }()
		default:
			problemOf(unavailable("too many requests at once")).write(w)
			return
		}
		body := &countedBody{ReadCloser: r.Body, all: &f.bodies}
		defer func() { f.bodies.Add(-body.read) }()
		r.Body = body
	}
	f.mux.ServeHTTP(w, r)
}

// unavailable is an error that the same request may be sent again after.
func unavailable(reason string) error { return fmt.Errorf("%w: %s", reference.ErrUnavailable, reason) }

// refuses says why a request is not let in; 0: it is.
func (f *front) refuses(r *http.Request) (code int, why string) {
	browsed := dashboard.Has(r.URL.Path) // which ask for the token in a form
	switch {
	case !f.knows(r.Host):
		return http.StatusMisdirectedRequest, "Host: expected an address, localhost, or a name given with --host"
	case f.access.Token != "" && r.URL.Path != "/healthz" && !browsed && !f.hasToken(r):
		return http.StatusUnauthorized, "Authorization: expected the Bearer token of this server"
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		return 0, ""
	case !ownOrigin(r):
		return http.StatusForbidden, "Origin: a page of another site may not ask for this"
	case (r.ContentLength != 0 || r.URL.Path == "/sagas") && r.Method == http.MethodPost && !browsed && !isJSON(r.Header.Get("Content-Type")):
		return http.StatusUnsupportedMediaType, "Content-Type: expected application/json"
	}
	return 0, ""
}

// knows tells whether a request was meant for this server.
func (f *front) knows(hostport string) bool {
	host, here := pages.Here(hostport)
	if here {
		return true
	}
	return slices.ContainsFunc(f.access.Hosts, func(h string) bool { return strings.EqualFold(h, host) })
}

func (f *front) hasToken(r *http.Request) bool {
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(f.access.Token)) // of one length
	return ok && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// ownOrigin tells whether a change is asked for by a program, or by a page of this
// server.
func ownOrigin(r *http.Request) bool {
	return http.NewCrossOriginProtection().Check(r) == nil
}
