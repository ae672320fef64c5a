// Package api speaks for an executor by HTTP: the contract (docs/contract.md), and what
// governs all sagas.
//
// Reading order: server.go (the resources, and what each error is called), govern.go
// (policies, flags, audit), console.go (what operators ask for; the pages of package
// dashboard ask for the same), front.go (who may call), serve.go (a server of its own, which
// stands by while another executor owns the store).
//
// Goals: an answer in time, whatever a client does; nothing inside is told outside.
// Non-goals: TLS and users, which a proxy in front has.
package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/reference/dashboard"
	"github.com/sagacheck/sagacheck/reference/definitions"
	"github.com/sagacheck/sagacheck/saga"
)

// problem is an error as application/problem+json (RFC 9457).
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	Field  string `json:"field,omitempty"` // JSON path of the field that is wrong
	// Errors are all the mistakes of a file.
	Errors []mistake `json:"errors,omitempty"`
}

func (p problem) write(w http.ResponseWriter) {
	p.Title = http.StatusText(p.Status)
	if p.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	writeJSON(w, "application/problem+json", p.Status, p)
}

func writeJSON(w http.ResponseWriter, contentType string, code int, v any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // a client that left needs no answer
}

// Handler speaks the HTTP contract (docs/contract.md). Errors are
// application/problem+json; those of a body name its field.
func Handler(e *reference.Executor) http.Handler { return newFront(Access{}, e, nil) }

// routes are the resources, and the methods of each.
func (f *front) routes() http.Handler {
	mux := http.NewServeMux()
	owner := func(h func(*reference.Executor, http.ResponseWriter, *http.Request)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			e, err := f.owner()
			if err != nil {
				problemOf(err).write(w)
				return
			}
			h(e, w, r)
		}
	}
	mux.HandleFunc("POST /sagas", owner(f.handleSubmit))
	mux.HandleFunc("GET /sagas", owner(handleList))
	mux.HandleFunc("GET /sagas/{id}", owner(handleStatus))
	mux.HandleFunc("GET /sagas/{id}/preview", owner(handlePreview))
	mux.HandleFunc("GET /policies", owner(handlePolicies))
	mux.HandleFunc("PUT /policies", owner(handleChangePolicies))
	mux.HandleFunc("GET /flags", owner(handleFlags))
	mux.HandleFunc("PUT /flags/{name}", owner(handleFlag))
	mux.HandleFunc("GET /audit", owner(handleAudit))
	mux.HandleFunc("GET /drift", owner(handleDrift))
	mux.HandleFunc("GET /versions", owner(handleVersions))
	mux.HandleFunc("GET /healthz", f.handleHealth)
	allowed := map[string]string{
		"/sagas": "GET, HEAD, POST", "/sagas/{id}": "GET, HEAD", "/sagas/{id}/preview": "GET, HEAD", "/healthz": "GET, HEAD",
		"/policies": "GET, HEAD, PUT", "/flags": "GET, HEAD", "/flags/{name}": "PUT", "/audit": "GET, HEAD", "/drift": "GET, HEAD", "/versions": "GET, HEAD",
	}
	for act, path := range actPaths {
		mux.HandleFunc("POST /sagas/{id}/"+path, owner(handleAct(act)))
		allowed["/sagas/{id}/"+path] = "POST"
	}
	if f.metrics != nil {
		mux.Handle("GET /metrics", f.metrics)
		allowed["/metrics"] = "GET, HEAD"
	}
	for path, allow := range allowed {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", allow)
			problem{Status: http.StatusMethodNotAllowed, Detail: fmt.Sprintf("%s: expected %s", r.Method, allow)}.write(w)
		})
	}
	f.routePages(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		problem{Status: http.StatusNotFound, Detail: fmt.Sprintf("no such resource: %s", r.URL.Path)}.write(w)
	})
	return mux
}

// routePages has people shown what programs ask for.
func (f *front) routePages(mux *http.ServeMux) {
	pages := dashboard.Handler(dashboard.Options{
		Token: f.access.Token,
		Owner: func() (dashboard.Executor, error) { return f.owner() },
		Describe: func(err error) (code int, detail string) {
			p := problemOf(err)
			if len(p.Errors) == 0 {
				return p.Status, p.Detail
			}
			var all []string
			for _, m := range p.Errors {
				all = append(all, m.Field+": "+m.Reason)
			}
			return p.Status, strings.Join(all, "; ")
		},
	})
	for _, path := range []string{"/{$}", "/dashboard/", "/progress/"} {
		mux.Handle(path, pages)
	}
}

// sagaPath is where a saga's status is.
func sagaPath(id string) string { return "/sagas/" + url.PathEscape(id) }

func (f *front) handleSubmit(e *reference.Executor, w http.ResponseWriter, r *http.Request) {
	def, err := definitions.Decode(http.MaxBytesReader(w, r.Body, definitions.MaxBody))
	switch trace := r.Header.Get("Traceparent"); {
	case err != nil:
	case reference.Named(def):
		err = e.SubmitNamed(r.Context(), def, f.choose, trace)
	default:
		err = e.SubmitTraced(r.Context(), def, trace)
	}
	if err != nil {
		problemOf(err).write(w)
		return
	}
	w.Header().Set("Location", sagaPath(def.ID))
	writeJSON(w, "application/json", http.StatusAccepted, map[string]string{"id": def.ID})
}

// choose finds the definition of a saga that is started by its name. Without a file of them there is none, but a saga
// that is known is the same start, whatever file there was then.
func (f *front) choose(asked saga.Definition) (saga.Definition, error) {
	if f.catalogue != nil {
		return f.catalogue.Choose(asked)
	}
	err := definitions.Validate(asked)
	var invalid *definitions.InvalidError
	if errors.As(err, &invalid) && invalid.Field == "steps" {
		invalid.Reason += ", or an executor with --definitions, which starts sagas by their name"
	}
	return asked, err
}

// problemOf translates an error of the executor. What it does not know it does not
// tell: it may name what is nobody's business outside.
func problemOf(err error) problem {
	var invalid *definitions.InvalidError
	var tooLarge *http.MaxBytesError
	var disagree *reference.DisagreeError
	switch {
	case errors.As(err, &tooLarge):
		return problem{Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf("body: expected at most %d bytes", tooLarge.Limit), Field: "body"}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return problem{Status: http.StatusRequestTimeout, Detail: fmt.Sprintf("body: expected within %v", requestTimeout), Field: "body"}
	case errors.As(err, &invalid):
		return problem{Status: http.StatusBadRequest, Detail: invalid.Error(), Field: invalid.Field}
	case mistakesOf(err) != nil:
		all := mistakesOf(err)
		count := fmt.Sprintf("%d mistakes", len(all))
		if len(all) == 1 {
			count = "1 mistake"
		}
		return problem{Status: http.StatusBadRequest, Detail: count + ": nothing was changed", Field: all[0].Field, Errors: all}
	case errors.Is(err, reference.ErrOtherRequest):
		return problem{Status: http.StatusUnprocessableEntity, Detail: err.Error(), Field: "Idempotency-Key"}
	case errors.Is(err, reference.ErrChanged), errors.Is(err, reference.ErrPreviewOld):
		return problem{Status: http.StatusPreconditionFailed, Detail: err.Error()}
	case errors.As(err, &disagree):
		return problem{Status: http.StatusConflict, Detail: err.Error(), Field: disagree.Field}
	case errors.Is(err, reference.ErrConflict):
		return problem{Status: http.StatusConflict, Detail: err.Error(), Field: "id"}
	case errors.Is(err, reference.ErrPastPivot), errors.Is(err, reference.ErrCompleted), errors.Is(err, reference.ErrNothingWaits), errors.Is(err, reference.ErrQuarantined),
		errors.Is(err, reference.ErrPaused), errors.Is(err, reference.ErrEnded), errors.Is(err, reference.ErrGoesOn), errors.Is(err, reference.ErrNotDeferred):
		return problem{Status: http.StatusConflict, Detail: err.Error()}
	case errors.Is(err, reference.ErrNotFound):
		return problem{Status: http.StatusNotFound, Detail: err.Error()}
	case errors.Is(err, reference.ErrUnavailable), errors.Is(err, reference.ErrClosed):
		return problem{Status: http.StatusServiceUnavailable, Detail: err.Error()}
	}
	return problem{Status: http.StatusServiceUnavailable, Detail: reference.ErrUnavailable.Error()}
}

func handleStatus(e *reference.Executor, w http.ResponseWriter, r *http.Request) {
	report, err := e.Status(r.PathValue("id"))
	if err != nil {
		problemOf(err).write(w)
		return
	}
	writeJSON(w, "application/json", http.StatusOK, report)
}

// healthReport is the answer of /healthz.
type healthReport struct {
	reference.Condition
	Started string `json:"started"` // another text in each process
}

var started = time.Now().UTC().Format(time.RFC3339Nano)

func (f *front) handleHealth(w http.ResponseWriter, _ *http.Request) {
	c, code := f.condition(), http.StatusServiceUnavailable
	if c.Accepts() {
		code = http.StatusOK
	}
	writeJSON(w, "application/json", code, healthReport{c, started})
}

// condition is how the executor is, or the lack of one.
func (f *front) condition() reference.Condition {
	if e := f.executor.Load(); e != nil {
		return e.Condition()
	}
	if now := f.health.Load().Any(); now != "" {
		return reference.Condition{Status: "trouble", Cause: "can't " + now}
	}
	return reference.Condition{Status: "standby"}
}

// isJSON tells the media type application/json, with any parameters.
func isJSON(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(media), "application/json")
}
