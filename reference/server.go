package reference

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// maxBody bounds the body of a submitted saga.
const maxBody = 1 << 20

// problem is an error as application/problem+json (RFC 9457).
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	Field  string `json:"field,omitempty"` // JSON path of the field that is wrong
}

func (p problem) write(w http.ResponseWriter) {
	p.Title = http.StatusText(p.Status)
	writeJSON(w, "application/problem+json", p.Status, p)
}

func writeJSON(w http.ResponseWriter, contentType string, code int, v any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // a client that left needs no answer
}

// Handler speaks the HTTP contract (docs/contract.md). Errors are
// application/problem+json; those of a body name its field.
func (e *Executor) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /sagas", e.handleSubmit)
	mux.HandleFunc("GET /sagas/{id}", e.handleStatus)
	mux.HandleFunc("POST /sagas/{id}/compensate", e.handleCompensate)
	mux.HandleFunc("GET /healthz", e.handleHealth)
	for path, allow := range map[string]string{
		"/sagas": "POST", "/sagas/{id}": "GET, HEAD", "/sagas/{id}/compensate": "POST", "/healthz": "GET, HEAD",
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", allow)
			problem{Status: http.StatusMethodNotAllowed, Detail: fmt.Sprintf("%s: expected %s", r.Method, allow)}.write(w)
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		problem{Status: http.StatusNotFound, Detail: fmt.Sprintf("no such resource: %s", r.URL.Path)}.write(w)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-e.superseded(): // what it knows is no longer how things are
			problemOf(errSuperseded).write(w)
		default:
			mux.ServeHTTP(w, r)
		}
	})
}

// superseded is closed when another executor has taken over the store, which this
// one learns when it writes; nil, and never closed, where nobody can.
func (e *Executor) superseded() <-chan struct{} {
	if s, ok := e.store.(interface{ superseded() <-chan struct{} }); ok {
		return s.superseded()
	}
	return nil
}

func (e *Executor) handleSubmit(w http.ResponseWriter, r *http.Request) {
	def, err := decodeDefinition(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		err = e.Submit(r.Context(), def)
	}
	if err != nil {
		problemOf(err).write(w)
		return
	}
	w.Header().Set("Location", "/sagas/"+def.ID)
	writeJSON(w, "application/json", http.StatusAccepted, map[string]string{"id": def.ID})
}

// problemOf translates an error of the executor.
func problemOf(err error) problem {
	var invalid *InvalidError
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return problem{Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf("body: expected at most %d bytes", tooLarge.Limit), Field: "body"}
	case errors.As(err, &invalid):
		return problem{Status: http.StatusBadRequest, Detail: invalid.Error(), Field: invalid.Field}
	case errors.Is(err, ErrConflict):
		return problem{Status: http.StatusConflict, Detail: err.Error(), Field: "id"}
	case errors.Is(err, ErrPastPivot), errors.Is(err, ErrCompleted):
		return problem{Status: http.StatusConflict, Detail: err.Error()}
	case errors.Is(err, ErrNotFound):
		return problem{Status: http.StatusNotFound, Detail: err.Error()}
	}
	return problem{Status: http.StatusServiceUnavailable, Detail: err.Error()}
}

func (e *Executor) handleStatus(w http.ResponseWriter, r *http.Request) {
	report, err := e.Status(r.PathValue("id"))
	if err != nil {
		problemOf(err).write(w)
		return
	}
	writeJSON(w, "application/json", http.StatusOK, report)
}

func (e *Executor) handleCompensate(w http.ResponseWriter, r *http.Request) {
	if err := e.Compensate(r.Context(), r.PathValue("id")); err != nil {
		problemOf(err).write(w)
		return
	}
	writeJSON(w, "application/json", http.StatusAccepted, map[string]string{"id": r.PathValue("id")})
}

func (e *Executor) handleHealth(w http.ResponseWriter, _ *http.Request) {
	if e.ctx.Err() != nil {
		problemOf(ErrClosed).write(w)
		return
	}
	writeJSON(w, "application/json", http.StatusOK, map[string]string{"status": "ready"})
}

// ServeOptions configure Serve.
type ServeOptions struct {
	Options
	Addr  string            // host:port; port 0: any
	Ready func(addr string) // called with the address when requests are served; may be nil
}

// Serve runs an executor as a server until ctx ends, or another executor takes over
// its store, which is an error.
func Serve(ctx context.Context, o ServeOptions) (err error) {
	e, err := Open(ctx, o.Options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.Addr)
	if err != nil {
		return fmt.Errorf("listen on %q: %w", o.Addr, err)
	}
	srv := &http.Server{Handler: e.Handler(), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	if o.Ready != nil {
		o.Ready(l.Addr().String())
	}
	select {
	case err := <-served:
		return err
	case <-e.superseded():
		return errors.Join(errSuperseded, srv.Close()) // whoever waits for it, waits in vain
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := srv.Shutdown(stop); err != nil {
		return errors.Join(err, srv.Close())
	}
	return nil
}
