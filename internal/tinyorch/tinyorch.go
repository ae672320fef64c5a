// Package tinyorch is a second orchestrator, for tests only: it speaks the HTTP
// contract and shares no code with the reference executor, so that both are
// judged by the same checkers for different reasons. It keeps everything in
// memory, can be broken on purpose (Bugs), and may have habits (Habits).
//
// Not in it: circuit breakers, the operator's compensation, surviving a crash.
package tinyorch

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// Orchestrator is an http.Handler that speaks the contract.
type Orchestrator struct {
	http.Handler
	bugs   Bugs
	habits Habits
	client *http.Client
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu     sync.Mutex
	bodies map[string][]byte // of submitted sagas, by id
	sagas  map[string]*run
}

// capabilities are what the health answer claims.
var capabilities = []string{
	"dag", "pivot", "deferrable", "deferred-policy", "exponential-backoff", "jitter", "max-attempts", "attempt-timeout",
	"deadline", "retry-after", "permanent-errors", "idempotency-key", "exact-body", "idempotent-submit",
	"step-status", "trace-context",
}

// New makes an orchestrator; Close must be called.
func New(bugs Bugs) *Orchestrator { return newOrchestrator(bugs, Habits{}) }

// WithHabits makes a right one with habits of its own; Close must be called.
func WithHabits(h Habits) *Orchestrator { return newOrchestrator(Bugs{}, h) }

func newOrchestrator(bugs Bugs, h Habits) *Orchestrator {
	o := &Orchestrator{bugs: bugs, habits: h, bodies: map[string][]byte{}, sagas: map[string]*run{}}
	o.client = &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	o.ctx, o.cancel = context.WithCancel(context.Background())
	mux := http.NewServeMux()
	mux.HandleFunc("POST /sagas", o.submit)
	mux.HandleFunc("GET /sagas/{id}", o.show)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		able := slices.DeleteFunc(slices.Clone(capabilities), func(c string) bool {
			return h.NoSteps && c == "step-status" || h.Sweeps > 0 && c == "deferred-policy" || h.BodiesAnew && c == "exact-body" || (h.Longest || h.Shortest) && c == "jitter"
		})
		reply(w, http.StatusOK, map[string]any{"name": "tinyorch", "version": "1", "capabilities": able})
	})
	o.Handler = mux
	return o
}

// Close stops all sagas where they are.
func (o *Orchestrator) Close() {
	o.cancel()
	o.work.Wait()
}

func (o *Orchestrator) submit(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has left
	}
	var d saga.Definition
	if err = json.Unmarshal(body, &d); err == nil {
		err = d.Validate()
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	time.Sleep(o.habits.BeforeAccept)
	o.mu.Lock()
	defer o.mu.Unlock()
	switch known, ok := o.bodies[d.ID]; {
	case ok && !bytes.Equal(known, body):
		refuse(w, http.StatusConflict, "another saga has this id")
		return
	case ok && o.habits.ConflictOnRepeat:
		refuse(w, http.StatusConflict, "this saga is there already")
		return
	case ok && o.bugs.SecondSaga:
		s := newRun(o, d)
		s.key = fmt.Sprintf(" %p", s)
		o.work.Go(func() { s.execute(o.ctx) })
	case !ok:
		s := newRun(o, d)
		o.bodies[d.ID], o.sagas[d.ID] = slices.Clone(body), s
		o.work.Go(func() { s.execute(o.ctx) })
	}
	reply(w, http.StatusAccepted, map[string]string{"id": d.ID})
}

func (o *Orchestrator) show(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	s := o.sagas[r.PathValue("id")]
	o.mu.Unlock()
	if s == nil {
		refuse(w, http.StatusNotFound, "no such saga")
		return
	}
	report := s.report()
	time.Sleep(o.habits.BeforeTell)
	if o.habits.HalfWritten && s.told.Add(1)%3 == 0 {
		w.WriteHeader(http.StatusOK)
		return
	}
	if o.habits.NoSteps {
		report.Steps = nil
	}
	reply(w, http.StatusOK, report)
}

func reply(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // who has left needs no answer
}

func refuse(w http.ResponseWriter, code int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]any{"title": http.StatusText(code), "status": code, "detail": detail})
}
