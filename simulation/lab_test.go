package simulation_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/reference/defects"
	"github.com/sagacheck/sagacheck/reference/store"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/scenarios"
	"github.com/sagacheck/sagacheck/simulation"
)

// experiment is one cell of the reference executor in virtual time.
type experiment struct {
	scenario *scenarios.Scenario
	plan     faults.Plan
	profile  participants.Profile
	defects  []string            // planted in the executor
	rules    *participants.Rules // nil: the right ones
	file     string              // of a SQLite store; empty: the store is in memory
	name     string              // the ids of the sagas begin with it
	seed     uint64
}

// The times of a cell: virtual ones.
const (
	settle    = 30 * time.Second
	silence   = 3 * time.Second
	askAgain  = 10 * time.Millisecond
	submitTry = 10 * time.Millisecond
)

// able is what the reference executor can be given in memory.
var able = simulation.Ability{Kills: true, Submits: true, Rollbacks: true}

// capabilities are those of the executor that can be seen in memory.
var capabilities = []string{
	"dag", "pivot", "deferrable", "deferred-policy", "exponential-backoff", "jitter", "max-attempts", "attempt-timeout", "deadline", "retry-after", "breaker",
	"permanent-errors", "idempotency-key", "exact-body", "idempotent-submit", "operator-compensation", "retry-budget", "saga-budget",
	"adaptive", "step-status", "trace-context", "fallback", "rounds", "saga-rounds",
}

// lab is an experiment under way.
type lab struct {
	experiment
	rec   *history.Recorder
	cell  *simulation.Cell
	world *participants.World
	defs  []saga.Definition
	port  *simulation.Port // of the clients
	store *store.Memory
	dice  *rand.Rand

	mu      sync.Mutex
	exec    *reference.Executor // nil: it is away
	watches map[string]*watch
}

// watch is what is known of one saga.
type watch struct {
	ended bool
	last  saga.Report
	still time.Time
}

// run carries an experiment out, in a bubble of its own.
func (x experiment) run(t *testing.T) (h *history.History) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var err error
		if h, err = x.inBubble(); err != nil {
			t.Errorf("%s under %s: %v", x.scenario.Name, x.plan, err)
		}
	})
	return h
}

func (x experiment) inBubble() (*history.History, error) {
	ids := idsOf(x.scenario)
	for i := range ids {
		ids[i] = x.name + ids[i]
	}
	defs, registers := x.scenario.Build(ids, func(n int, ref saga.StepRef) string {
		if ref.Direction == saga.ReadingBack {
			return fmt.Sprintf("http://read-back/sagas/%s/steps/%s/read", ids[n], ref.Step)
		}
		return fmt.Sprintf("http://participants/sagas/%s/steps/%s/%s", ids[n], ref.Step, ref.Direction)
	})
	l := &lab{experiment: x, defs: defs, store: store.NewMemory(), watches: map[string]*watch{}, dice: rand.New(rand.NewPCG(x.seed, 1))}
	for _, id := range ids {
		l.watches[id] = &watch{}
	}
	header, err := l.header(registers, ids)
	if err != nil {
		return nil, err
	}
	l.rec = history.NewRecorder(header)
	l.cell = simulation.New(simulation.Setup{
		Plan: x.plan, Sagas: ids, Service: x.scenario.Participant, Rec: l.rec, Route: l.route, Process: l,
		Operator: func(ctx context.Context, id string) (int, error) { return l.operate(ctx, id) },
	})
	l.world = participants.NewWorld(x.profile, registers, l.rec, l.cell.Hook, x.rules)
	l.cell.World = l.world
	l.world.Expect(defs)
	l.port = l.cell.Port()
	l.Start()
	l.cell.Begin()
	var clients sync.WaitGroup
	for _, d := range defs {
		clients.Go(func() { l.submit(d) })
	}
	clients.Wait()
	l.cell.Settle(silence, settle, askAgain, l.pending)
	l.confirm()
	err = l.cell.Over()
	l.Kill()
	l.world.Read()
	return l.rec.Close(), err
}

func (l *lab) header(registers map[string]string, ids []string) (history.Header, error) {
	text, err := json.Marshal(l.plan)
	h := history.Header{
		Cell: l.plan.ID(), Scenario: l.scenario.Name, Profile: string(l.profile), Seed: l.seed, PlanID: l.plan.ID(), Plan: text,
		Orchestrator: history.Orchestrator{Name: "reference", Capabilities: capabilities, Unable: []string{history.Pause, history.StoreOutage}},
		Definitions:  l.defs, Registers: registers, SettleMS: int(settle.Milliseconds()), QuietMS: int(silence.Milliseconds()), Defects: l.defects,
	}
	for _, f := range l.plan.Faults {
		p := history.PlannedFault{Kind: f.Kind, At: f.At, Steps: f.Steps, Text: f.String()}
		n := f.Saga - 1
		if f.Saga == 0 && len(ids) == 1 {
			n = 0
		}
		if n >= 0 && n < len(ids) && !f.At.IsZero() {
			p.Saga = ids[n]
		}
		h.Faults = append(h.Faults, p)
	}
	return h, err
}

// Start opens the executor on its store.
func (l *lab) Start() {
	rules, err := defects.Rules(l.defects...)
	if err == nil && rules == nil {
		rules = reference.DefaultRules()
	}
	var exec *reference.Executor
	if err == nil {
		draw := rules.Draw
		if len(l.defects) == 0 {
			draw = func(int) float64 { l.mu.Lock(); defer l.mu.Unlock(); return l.dice.Float64() }
		}
		rules.Draw = draw
		o := reference.Options{Rules: rules, Transport: l.cell.Port(), Targets: []string{"*"}}
		if o.StoreDSN = l.file; l.file == "" {
			o.Store = l.store
		}
		exec, err = reference.Open(context.Background(), o)
	}
	if err != nil {
		l.cell.Trouble(err)
		return
	}
	l.mu.Lock()
	l.exec = exec
	l.mu.Unlock()
}

// Kill closes it, which is a crash as far as participants can tell.
func (l *lab) Kill() {
	l.mu.Lock()
	exec := l.exec
	l.exec = nil
	l.mu.Unlock()
	if exec != nil {
		if err := exec.Close(); err != nil {
			l.cell.Trouble(err)
		}
	}
}

func (l *lab) executor() *reference.Executor {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.exec
}

// route knows each operation by its path.
func (l *lab) route(r *http.Request, body []byte) (simulation.Called, error) {
	parts := strings.Split(r.URL.Path, "/")
	if r.URL.Host == "orchestrator" {
		op := saga.Operation{Saga: parts[1], Step: saga.SubmitStep, Direction: saga.Action}
		return simulation.Called{Op: op, Handle: func(participants.Call, http.Header, []byte) participants.Answer { return l.accept(body) }}, nil
	}
	if len(parts) != 6 {
		return simulation.Called{}, fmt.Errorf("%s belongs to nothing", r.URL)
	}
	op := saga.Operation{Saga: parts[2], Step: parts[4], Direction: saga.Direction(parts[5])}
	if said := r.Header.Get("Saga-Step"); strings.HasPrefix(said, op.Step+"(") { // in a later round of its saga
		op.Step = said
	}
	if r.URL.Host == "read-back" {
		return simulation.Called{Answer: l.readBack(op, participants.Key(r.Header))}, nil
	}
	return simulation.Called{Op: op, Key: participants.Key(r.Header), Handle: l.world.Handle}, nil
}

func (l *lab) readBack(op saga.Operation, key string) *participants.Answer {
	e, there := l.world.ReadBack(op.Saga, op.Step, key)
	if !there {
		return &participants.Answer{Code: http.StatusNotFound, Title: "nothing"}
	}
	body, err := json.Marshal(e)
	return &participants.Answer{Code: http.StatusOK, Body: body, Amiss: err}
}

// accept is the executor's answer to a submission.
func (l *lab) accept(body []byte) participants.Answer {
	var d saga.Definition
	exec := l.executor()
	if exec == nil {
		return participants.Answer{Hangup: true}
	}
	err := json.Unmarshal(body, &d)
	if err == nil {
		err = exec.Submit(context.Background(), d)
	}
	switch {
	case err == nil:
		return participants.Answer{Code: http.StatusAccepted}
	case errors.Is(err, reference.ErrConflict):
		return participants.Answer{Code: http.StatusConflict}
	case errors.Is(err, reference.ErrClosed), errors.Is(err, reference.ErrUnavailable):
		return participants.Answer{Code: http.StatusServiceUnavailable}
	}
	l.cell.Trouble(err)
	return participants.Answer{Code: http.StatusBadRequest}
}

// submit sends a saga until it is accepted.
func (l *lab) submit(d saga.Definition) {
	body, err := d.Encode()
	if err != nil {
		l.cell.Trouble(err)
		return
	}
	for began := time.Now(); l.cell.Broken() == nil && time.Since(began) < settle; {
		l.rec.Add(history.Event{Kind: history.SagaSubmitted, Saga: d.ID})
		code, err := l.post(d.ID, body)
		if code == http.StatusAccepted {
			l.rec.Add(history.Event{Kind: history.SagaAccepted, Saga: d.ID, Code: code})
			return
		}
		e := history.Event{Kind: history.SagaRefused, Saga: d.ID, Code: code}
		if err != nil {
			e.Detail = err.Error()
		}
		l.rec.Add(e)
		time.Sleep(submitTry)
	}
}

func (l *lab) post(id string, body []byte) (code int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), saga.SubmitPolicy.AttemptTimeout())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://orchestrator/"+id, strings.NewReader(string(body)))
	if err != nil {
		return 0, err
	}
	answer, err := (&http.Client{Transport: l.port}).Do(r)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}

// operate asks for the rollback of a saga.
func (l *lab) operate(ctx context.Context, id string) (int, error) {
	exec := l.executor()
	if exec == nil {
		return 0, errors.New("the orchestrator is away")
	}
	switch err := exec.Compensate(ctx, id); {
	case err == nil:
		return http.StatusAccepted, nil
	case errors.Is(err, reference.ErrNotFound):
		return http.StatusNotFound, err
	default:
		return http.StatusConflict, err
	}
}

// pending asks for every saga, and says what is to come.
func (l *lab) pending() string {
	var all []string
	for _, d := range l.defs {
		if why := l.ask(d.ID); why != "" {
			all = append(all, why)
		}
	}
	return strings.Join(all, "; ")
}

// ask records a status that is new.
func (l *lab) ask(id string) string {
	exec := l.executor()
	w := l.watches[id]
	if exec == nil {
		return "saga " + id + ": the orchestrator is away"
	}
	asked := time.Now()
	report, err := exec.Status(id)
	switch {
	case errors.Is(err, reference.ErrNotFound):
		if w.last.Status != "unknown" {
			l.rec.Add(history.Event{Kind: history.SagaUnknown, Saga: id, Code: http.StatusNotFound})
		}
		w.last = saga.Report{Status: "unknown"}
		return "saga " + id + ": unknown to the orchestrator"
	case err != nil:
		return "saga " + id + ": " + err.Error()
	}
	if !report.Status.Ended() {
		w.still = asked
	}
	if report.Status != w.last.Status || !slices.Equal(report.Steps, w.last.Steps) {
		w.last = report
		l.rec.Add(history.Event{Kind: history.SagaStatus, Saga: id, Status: report.Status, Steps: report.Steps})
	}
	if report.Status.Ended() && !w.ended {
		w.ended = true
		e := history.Event{Kind: history.SagaEnded, Saga: id, Status: report.Status}
		if !w.still.IsZero() {
			e.Still = l.rec.Clock(w.still)
		}
		l.rec.Add(e)
	}
	return unfinished(id, report)
}

// unfinished says what a saga still has to do; empty: nothing.
func unfinished(id string, r saga.Report) string {
	if !r.Status.Ended() {
		return fmt.Sprintf("saga %s: %s", id, r.Status)
	}
	for _, s := range r.Steps {
		if s.Status == saga.StepDeferred || s.Status == saga.StepRunning || s.Status == saga.StepCompensating {
			return fmt.Sprintf("saga %s: %s, but %s %s", id, r.Status, s.Name, s.Status)
		}
	}
	return ""
}

// confirm records the last status of each saga.
func (l *lab) confirm() {
	exec := l.executor()
	if exec == nil {
		return
	}
	for _, d := range l.defs {
		report, err := exec.Status(d.ID)
		if err != nil {
			l.rec.Add(history.Event{Kind: history.SagaUnknown, Saga: d.ID, Code: http.StatusNotFound})
			continue
		}
		l.rec.Add(history.Event{Kind: history.SagaStatus, Saga: d.ID, Status: report.Status, Steps: report.Steps})
	}
}

// idsOf are the sagas of a scenario's cell.
func idsOf(s *scenarios.Scenario) (ids []string) {
	for n := range max(s.Sagas, 1) {
		ids = append(ids, fmt.Sprintf("c-%d", n+1))
	}
	return ids
}

// noAddress is for who wants to know the steps only.
func noAddress(int, saga.StepRef) string { return "" }
