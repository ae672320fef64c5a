package reference

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
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
func (e *Executor) Handler() http.Handler { return newFront(Access{}, e, nil) }

// routes are the resources, and the methods of each.
func (f *front) routes() http.Handler {
	mux := http.NewServeMux()
	owner := func(h func(*Executor, http.ResponseWriter, *http.Request)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			e, err := f.owner()
			if err != nil {
				problemOf(err).write(w)
				return
			}
			h(e, w, r)
		}
	}
	mux.HandleFunc("POST /sagas", owner((*Executor).handleSubmit))
	mux.HandleFunc("GET /sagas/{id}", owner((*Executor).handleStatus))
	mux.HandleFunc("POST /sagas/{id}/compensate", owner(operator((*Executor).Compensate)))
	mux.HandleFunc("POST /sagas/{id}/retry", owner(operator((*Executor).RetryNow)))
	mux.HandleFunc("GET /policies", owner((*Executor).handlePolicies))
	mux.HandleFunc("PUT /policies", owner((*Executor).handleChangePolicies))
	mux.HandleFunc("GET /flags", owner((*Executor).handleFlags))
	mux.HandleFunc("PUT /flags/{name}", owner((*Executor).handleFlag))
	mux.HandleFunc("GET /audit", owner((*Executor).handleAudit))
	mux.HandleFunc("GET /healthz", f.handleHealth)
	allowed := map[string]string{
		"/sagas": "POST", "/sagas/{id}": "GET, HEAD", "/sagas/{id}/compensate": "POST", "/sagas/{id}/retry": "POST", "/healthz": "GET, HEAD",
		"/policies": "GET, HEAD, PUT", "/flags": "GET, HEAD", "/flags/{name}": "PUT", "/audit": "GET, HEAD",
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
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		problem{Status: http.StatusNotFound, Detail: fmt.Sprintf("no such resource: %s", r.URL.Path)}.write(w)
	})
	return mux
}

// sagaPath is where a saga's status is.
func sagaPath(id string) string { return "/sagas/" + url.PathEscape(id) }

func (e *Executor) handleSubmit(w http.ResponseWriter, r *http.Request) {
	def, err := decodeDefinition(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		trace := r.Header.Get("Traceparent")
		if !validTrace(trace) { // anything else is kept nowhere
			trace = ""
		}
		err = e.submit(r.Context(), def, trace)
	}
	if err != nil {
		problemOf(err).write(w)
		return
	}
	w.Header().Set("Location", sagaPath(def.ID))
	writeJSON(w, "application/json", http.StatusAccepted, map[string]string{"id": def.ID})
}

// problemOf translates an error of the executor. What it does not know it does not
// tell: it may name what is nobody's business outside.
func problemOf(err error) problem {
	var invalid *InvalidError
	var tooLarge *http.MaxBytesError
	var disagree *DisagreeError
	switch {
	case errors.As(err, &tooLarge):
		return problem{Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf("body: expected at most %d bytes", tooLarge.Limit), Field: "body"}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return problem{Status: http.StatusRequestTimeout, Detail: fmt.Sprintf("body: expected within %v", requestTimeout), Field: "body"}
	case errors.As(err, &invalid):
		return problem{Status: http.StatusBadRequest, Detail: invalid.Error(), Field: invalid.Field}
	case mistakesOf(err) != nil:
		all := mistakesOf(err)
		return problem{Status: http.StatusBadRequest, Detail: fmt.Sprintf("%d mistakes: nothing was changed", len(all)), Field: all[0].Field, Errors: all}
	case errors.Is(err, ErrChanged):
		return problem{Status: http.StatusPreconditionFailed, Detail: err.Error()}
	case errors.As(err, &disagree):
		return problem{Status: http.StatusConflict, Detail: err.Error(), Field: disagree.Field}
	case errors.Is(err, ErrConflict):
		return problem{Status: http.StatusConflict, Detail: err.Error(), Field: "id"}
	case errors.Is(err, ErrPastPivot), errors.Is(err, ErrCompleted), errors.Is(err, ErrNothingWaits), errors.Is(err, ErrQuarantined):
		return problem{Status: http.StatusConflict, Detail: err.Error()}
	case errors.Is(err, ErrNotFound):
		return problem{Status: http.StatusNotFound, Detail: err.Error()}
	case errors.Is(err, ErrUnavailable), errors.Is(err, ErrClosed):
		return problem{Status: http.StatusServiceUnavailable, Detail: err.Error()}
	}
	return problem{Status: http.StatusServiceUnavailable, Detail: ErrUnavailable.Error()}
}

func (e *Executor) handleStatus(w http.ResponseWriter, r *http.Request) {
	report, err := e.Status(r.PathValue("id"))
	if err != nil {
		problemOf(err).write(w)
		return
	}
	writeJSON(w, "application/json", http.StatusOK, report)
}

// operator answers what an operator asks for.
func operator(ask func(*Executor, context.Context, string) error) func(*Executor, http.ResponseWriter, *http.Request) {
	return func(e *Executor, w http.ResponseWriter, r *http.Request) {
		if err := ask(e, r.Context(), r.PathValue("id")); err != nil {
			problemOf(err).write(w)
			return
		}
		writeJSON(w, "application/json", http.StatusAccepted, map[string]string{"id": r.PathValue("id")})
	}
}

// healthReport is the answer of /healthz. Status: ready; degraded: sagas are
// accepted, and something is wrong; standby: another executor owns the store;
// trouble: sagas are refused; draining; closed.
type healthReport struct {
	Status      string `json:"status"`
	Cause       string `json:"cause,omitempty"`
	Quarantined int64  `json:"quarantined,omitempty"`
	Started     string `json:"started"` // another text in each process
}

var started = time.Now().UTC().Format(time.RFC3339Nano)

func (e *Executor) healthReport() (int, healthReport) {
	h := healthReport{Status: "ready", Quarantined: e.quarantined.Load(), Started: started}
	refuse := func(status, cause string) (int, healthReport) {
		h.Status, h.Cause = status, cause
		return http.StatusServiceUnavailable, h
	}
	serious := e.health.serious()
	switch {
	case e.ctx.Err() != nil:
		return refuse("closed", "")
	case e.draining():
		return refuse("draining", "")
	case serious != "":
		return refuse("trouble", "can't "+serious)
	case errors.Is(e.store.owned(), errUnsure):
		return refuse("trouble", errUnsure.Error())
	case e.store.owned() != nil:
		return refuse("standby", errSuperseded.Error())
	}
	if now := e.health.any(); now != "" {
		h.Status, h.Cause = "degraded", "can't "+now
	} else if on := e.Flags(); len(on) > 0 {
		h.Status, h.Cause = "degraded", fmt.Sprintf("the flag %s is on", on[0].Name)
	} else if h.Quarantined > 0 {
		h.Status, h.Cause = "degraded", "sagas in quarantine"
	}
	return http.StatusOK, h
}

func (f *front) handleHealth(w http.ResponseWriter, _ *http.Request) {
	e := f.executor.Load()
	if e == nil {
		report := healthReport{Status: "standby", Started: started}
		if now := f.health.Load().any(); now != "" {
			report.Status, report.Cause = "trouble", "can't "+now
		}
		writeJSON(w, "application/json", http.StatusServiceUnavailable, report)
		return
	}
	code, report := e.healthReport()
	writeJSON(w, "application/json", code, report)
}

// isJSON tells the media type application/json, with any parameters.
func isJSON(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(media), "application/json")
}
