// Package dashboard shows an executor to people, as pages: all sagas, one saga with what was
// attempted and what is waited for, what a person may do about it, policies, flags and the audit;
// and to an end user how far a saga has got.
//
// Reading order: dashboard.go (the pages, and who may see them), sagas.go and saga.go (what they
// show), act.go (what a person may do), govern.go (policies, flags, audit), render.go (how a page is
// made).
//
// Goals: it works without a network, without a script and without a mouse; what sagas and
// participants said is shown as text, whatever it is. Non-goals: users and TLS, which a proxy in
// front has; it knows no store.
package dashboard

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/http"
	"strings"

	"github.com/sagacheck/sagacheck/internal/pages"
	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/reference/policies"
)

// Executor is what the pages need of one.
type Executor interface {
	Condition() reference.Condition
	Board(q reference.BoardQuery) reference.Board
	Preview(id string) (p reference.Preview, tag string, err error)
	Waits(id string) ([]reference.Wait, error)
	Progress(id string) (reference.Progress, error)
	Operate(ctx context.Context, id string, a reference.Asked) (changed bool, err error)
	Audit(ctx context.Context, q reference.AuditQuery) (reference.Audit, error)
	Drifts(ctx context.Context, id string) ([]reference.Drift, error)
	Policies() (version int, text, tag string)
	Flags() []policies.Flag
	SetFlag(ctx context.Context, flag policies.Flag, by reference.By) error
	ClearFlag(ctx context.Context, name policies.FlagName, by reference.By) error
}

var _ Executor = (*reference.Executor)(nil)

// Options configure the pages.
type Options struct {
	// Owner is the executor, if it may answer for the store.
	Owner func() (Executor, error)
	// Token, if not empty, has to be given before anything is shown, but for how far a saga has got
	// where its template says that everybody may know.
	Token string
	// Describe is the status of an answer, and what may be said of an error.
	Describe func(err error) (code int, detail string)
}

// Has tells whether a path is one of the pages'.
func Has(path string) bool {
	return path == "/" || strings.HasPrefix(path, "/dashboard/") || strings.HasPrefix(path, "/progress/")
}

// site answers with pages.
type site struct {
	Options
	mux     *http.ServeMux
	session string         // what the cookie of who has given the token holds
	streams *pages.Streams // that follow what happens
}

// Handler answers with the pages. Whoever calls it has found that the request is meant for this
// server, and that no page of another site asks for a change.
func Handler(o Options) http.Handler {
	p := &site{Options: o, mux: http.NewServeMux(), session: newSession(o.Token), streams: pages.NewStreams()}
	p.mux.HandleFunc("GET /{$}", p.shown(p.sagas))
	p.mux.HandleFunc("GET /dashboard/live", p.shown(p.liveSagas))
	p.mux.HandleFunc("GET /dashboard/saga/{id}", p.shown(p.saga))
	p.mux.HandleFunc("GET /dashboard/saga/{id}/live", p.shown(p.liveSaga))
	p.mux.HandleFunc("GET /dashboard/saga/{id}/{act}", p.shown(p.preview))
	p.mux.HandleFunc("POST /dashboard/saga/{id}/{act}", p.shown(p.act))
	p.mux.HandleFunc("GET /dashboard/policies", p.shown(p.policies))
	p.mux.HandleFunc("GET /dashboard/flags", p.shown(p.flags))
	p.mux.HandleFunc("POST /dashboard/flags", p.shown(p.changeFlag))
	p.mux.HandleFunc("GET /dashboard/audit", p.shown(p.audit))
	p.mux.HandleFunc("GET /progress/{id}", p.progress)
	p.mux.HandleFunc("/progress/", p.noProgress)
	p.mux.HandleFunc("GET /dashboard/login", p.login)
	p.mux.HandleFunc("POST /dashboard/login", p.logIn)
	p.mux.Handle("GET /dashboard/assets/", pages.Assets("/dashboard/assets/"))
	p.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		p.problem(w, http.StatusNotFound, "there is no such page")
	})
	return p
}

// ServeHTTP answers with a page, which a browser may not do much with.
func (p *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	pages.Guard(w.Header())
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	p.mux.ServeHTTP(w, r)
}

// maxForm bounds the bytes of a form.
const maxForm = 64 << 10

// page answers a request with what an executor says.
type page func(e Executor, w http.ResponseWriter, r *http.Request)

// shown is a page for who may see it, while there is an executor.
func (p *site) shown(show page) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case p.mayEnter(r):
			e, err := p.Owner()
			if err != nil {
				p.failed(w, err)
				return
			}
			show(e, w, r)
		case r.Method == http.MethodPost:
			p.problem(w, http.StatusUnauthorized, "nothing was changed: log in first")
		default:
			http.Redirect(w, r, "/dashboard/login", http.StatusSeeOther)
		}
	}
}

// cookie is the name of what the browser of somebody who has given the token sends. A browser keeps
// cookies by host, whatever the port: two executors on one machine need two names.
func cookie(r *http.Request) string {
	_, port, err := net.SplitHostPort(r.Host)
	if err != nil { // the usual port
		return "sagacheck-session"
	}
	return "sagacheck-session-" + port
}

// newSession is what the cookie holds: it follows from the token, does not tell it, and is another
// one in each process.
func newSession(token string) string {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // it never fails
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(token))
	return hex.EncodeToString(mac.Sum(nil))
}

// mayEnter tells whether the token was given: in the form of the login, or by a program.
func (p *site) mayEnter(r *http.Request) bool {
	if p.Token == "" {
		return true
	}
	if given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return same(given, p.Token)
	}
	c, err := r.Cookie(cookie(r))
	return err == nil && same(c.Value, p.session)
}

// same compares in a time that tells nothing.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return hmac.Equal(x[:], y[:])
}

func (p *site) login(w http.ResponseWriter, _ *http.Request) {
	p.render(w, http.StatusOK, "login", "Log in", nil)
}

func (p *site) logIn(w http.ResponseWriter, r *http.Request) {
	if !same(r.PostFormValue("token"), p.Token) {
		p.render(w, http.StatusUnauthorized, "login", "Log in", "this is not the token of this server")
		return
	}
	http.SetCookie(w, &http.Cookie{Name: cookie(r), Value: p.session, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
