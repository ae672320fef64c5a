package facade

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
)

// Engine runs sagas durably.
type Engine interface {
	// Start returns when the saga will be run whatever happens. The same id again
	// starts no second saga.
	Start(ctx context.Context, d Definition) error
	// Report tells how a saga stands; ErrUnknown if there is none of that id.
	Report(ctx context.Context, id string) (Report, error)
}

// ErrUnknown says that there is no saga of that id.
var ErrUnknown = errors.New("unknown saga")

// Handler speaks the contract.
func Handler(e Engine) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, map[string]bool{"ready": true}) })
	mux.HandleFunc("POST /sagas", func(w http.ResponseWriter, r *http.Request) {
		var d Definition
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<20)).Decode(&d); err != nil {
			problem(w, http.StatusBadRequest, err)
			return
		}
		if d.ID == "" || len(d.Steps) == 0 {
			problem(w, http.StatusBadRequest, errors.New("id and steps: must be given"))
			return
		}
		if err := e.Start(r.Context(), d); err != nil {
			problem(w, http.StatusServiceUnavailable, err)
			return
		}
		answer(w, http.StatusAccepted, map[string]string{"id": d.ID})
	})
	mux.HandleFunc("GET /sagas/{id}", func(w http.ResponseWriter, r *http.Request) {
		rep, err := e.Report(r.Context(), r.PathValue("id"))
		switch {
		case errors.Is(err, ErrUnknown):
			problem(w, http.StatusNotFound, err)
		case err != nil:
			problem(w, http.StatusServiceUnavailable, err)
		default:
			answer(w, http.StatusOK, rep)
		}
	})
	if o, ok := e.(Operated); ok {
		mux.HandleFunc("POST /sagas/{id}/{act}", operate(o))
	}
	return mux
}

func answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // the client is gone
}

func problem(w http.ResponseWriter, code int, err error) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]any{"title": http.StatusText(code), "status": code, "detail": err.Error()})
}
