package sagatest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/simulation"
	"github.com/sagacheck/sagacheck/workflows"
)

// quiet is how long all must be silent after the end of a saga before its cell is over. It is
// virtual time, of which there is plenty.
const quiet = 30 * time.Second

// run runs the saga under a plan, in the bubble of its caller.
func (p *program) run(t testing.TB, plan faults.Plan) (*history.History, error) {
	const id = "saga-1"
	started, err := p.flow.Begin(id, 1)
	if err != nil {
		return nil, err
	}
	r := p.router(workflows.SagaVars{ID: id, Own: id, Start: started})
	header, err := p.header(plan, id)
	if err != nil {
		return nil, err
	}
	rec := history.NewRecorder(header)
	life := &process{rec: rec, p: p, in: Input{ID: id, Body: started.Body}}
	life.ctx, life.cancel = context.WithCancel(context.Background())
	cell := simulation.New(simulation.Setup{
		Plan: plan, Sagas: []string{id}, Rec: rec, Route: r.route, Process: life,
		Service: func(step string) string {
			name, _ := saga.CutInstance(step)
			return p.flow.ServiceOf(name)
		},
		Forget: func(service string) { r.world.Forget(service) },
	})
	r.world, r.cell = participants.NewWorld(p.Participants, nil, rec, cell.Hook, nil), cell
	cell.World, life.cell = r.world, cell
	if err := r.serve(t); err != nil {
		return nil, err
	}
	life.code = p.Start
	if p.Open != nil {
		life.code = p.Open(t)
	}
	cell.Begin()
	rec.Add(history.Event{Kind: history.SagaSubmitted, Saga: id})
	rec.Add(history.Event{Kind: history.SagaAccepted, Saga: id, Code: http.StatusAccepted})
	life.Start()
	cell.Settle(quiet, p.Settle, p.Settle, life.pending)
	life.confirm()
	err = cell.Over()
	r.world.Read()
	h := rec.Close()
	life.end()
	r.observe(h)
	return h, err
}

// header is all that a judge needs besides the events.
func (p *program) header(plan faults.Plan, id string) (history.Header, error) {
	text, err := json.Marshal(plan)
	if err != nil {
		return history.Header{}, err
	}
	unable := []string{history.Pause, history.StoreOutage}
	if p.Open == nil {
		unable = append(unable, history.Kill)
	}
	h := history.Header{
		Cell: plan.ID(), Scenario: p.Name, Profile: string(p.Participants), PlanID: plan.ID(), Plan: text,
		Orchestrator: history.Orchestrator{
			Name: p.Name, Capabilities: p.flow.Manifest().Capabilities, Unable: unable, Supplied: []string{history.SagaHeaders, history.CallBody},
		},
		Workflow: p.flow.Name, Promises: p.flow.Promised(), Real: p.flow.Reals(), SettleMS: int(p.Settle.Milliseconds()), QuietMS: int(quiet.Milliseconds()),
		Definitions: []saga.Definition{{ID: id, Name: p.Name, Steps: slices.Clone(p.steps), Reads: p.flow.Reads()}},
	}
	for _, f := range plan.Faults {
		planned := history.PlannedFault{Kind: f.Kind, At: f.At, Steps: f.Steps, Text: f.String()}
		if !f.At.IsZero() {
			planned.Saga = id
		}
		h.Faults = append(h.Faults, planned)
	}
	return h, nil
}

// process is what runs the saga's code, and may be killed.
type process struct {
	p      *program
	rec    *history.Recorder
	cell   *simulation.Cell
	code   Start
	in     Input
	ctx    context.Context // ends with the cell
	cancel context.CancelFunc

	mu     sync.Mutex
	port   *simulation.Port
	status saga.Status
	why    string          // the error that it ended with
	runs   []chan struct{} // each closed when the code of a start has returned
}

var _ simulation.Process = (*process)(nil)

// Start calls the code, on the store that it has.
func (x *process) Start() {
	x.mu.Lock()
	defer x.mu.Unlock()
	ctx, cancel := context.WithCancel(x.ctx)
	port := x.cell.Port()
	x.port = port
	if !x.status.Ended() {
		x.tell(saga.Running, nil)
	}
	returned := make(chan struct{})
	x.runs = append(x.runs, returned)
	go func() {
		defer close(returned)
		defer cancel()
		ended, err := x.call(ctx, &http.Client{Transport: port})
		x.mu.Lock()
		defer x.mu.Unlock()
		if ended && x.port == port { // else it was killed meanwhile
			x.tell(x.p.status(err), err)
		}
	}()
}

// call calls the code. A panic is trouble: there is no verdict on code that does not run.
func (x *process) call(ctx context.Context, client *http.Client) (ended bool, err error) {
	defer func() {
		if why := recover(); why != nil {
			x.cell.Trouble(fmt.Errorf("the saga panicked: %v\n%s", why, debug.Stack()))
		}
	}()
	err = x.code(ctx, client, x.in)
	return true, err
}

// status is what an end of the code means.
func (p *program) status(err error) saga.Status {
	switch {
	case p.Status != nil:
		return p.Status(err)
	case err != nil:
		return saga.Compensated
	}
	return saga.Completed
}

// tell records a status that differs from the one before, with the error that the code gave;
// under the lock.
func (x *process) tell(s saga.Status, why error) {
	if s == x.status {
		return
	}
	ended := x.status.Ended()
	x.status, x.why = s, ""
	if why != nil {
		x.why = strings.ReplaceAll(why.Error(), "\n", "; ")
	}
	x.rec.Add(history.Event{Kind: history.SagaStatus, Saga: x.in.ID, Status: s, Detail: x.why})
	if s.Ended() && !ended {
		x.rec.Add(history.Event{Kind: history.SagaEnded, Saga: x.in.ID, Status: s, Detail: x.why})
	}
}

// Kill ends the code where it stands: its calls never return. Its context goes on, since a
// process that is killed can't do anything about it.
func (x *process) Kill() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.port != nil { // nil: nobody takes notice of it any more
		x.port.Kill()
		x.port = nil
	}
}

// pending says what is still to come; empty: nothing.
func (x *process) pending() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.status.Ended() {
		return ""
	}
	return fmt.Sprintf("saga %s: %s", x.in.ID, x.status)
}

// confirm records the last status, and takes no notice any more of what the code does.
func (x *process) confirm() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.rec.Add(history.Event{Kind: history.SagaStatus, Saga: x.in.ID, Status: x.status, Detail: x.why})
	x.port = nil
}

// longest is how much virtual time code may take to end when its cell is over.
const longest = time.Hour

// end ends the context of all that was started, when its cell is over, and waits for the code.
func (x *process) end() {
	x.cancel()
	late := time.After(longest)
	for _, ended := range x.runs {
		select {
		case <-ended:
		case <-late:
			return
		}
	}
}

// observe puts what was asked for in the place of what was expected.
func (r *router) observe(h *history.History) {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.Copy(r.p.doubts, r.doubts)
	maps.Copy(r.p.unjudged, r.unjudged)
	h.Header.Registers = maps.Clone(r.world.Opened())
	d := &h.Header.Definitions[0]
	for op := range r.asked {
		if !slices.ContainsFunc(d.Steps, func(s saga.Step) bool { return s.Name == op.Step }) {
			d.Steps = another(d.Steps, op.Step)
		}
	}
	for _, planned := range r.p.flow.Plan() {
		if _, called := r.asked[saga.Operation{Saga: d.ID, Step: planned.Name, Direction: saga.Action}]; planned.Optional && !called {
			d.Steps = leaveOut(d.Steps, planned.Name)
		}
	}
	for i := range d.Steps {
		r.fill(d.ID, &d.Steps[i])
	}
	h.Waive(r.p.flow.Optional)
}

// fill completes a step with what its calls asked for.
func (r *router) fill(id string, s *saga.Step) {
	op := saga.Operation{Saga: id, Step: s.Name, Direction: saga.Action}
	action, called := r.asked[op]
	s.Action.Body = never(id + "/" + s.Name)
	if called {
		s.Action.Body = action.Effect.Body()
	}
	if s.Compensation == nil {
		return
	}
	undo := *s.Compensation
	e, _ := s.Action.Effect() // it was made here
	undo.Body = e.Inverse().Body()
	if asked, called := r.asked[op.Inverse()]; called && asked.Missing == nil {
		undo.Body = asked.Effect.Body()
	}
	s.Compensation, s.Keeps = &undo, r.keeps[op].Effect()
	if s.Parts != nil {
		name, _ := saga.CutInstance(s.Name)
		s.Parts = r.p.flow.Parts(name, e, undo, r.parts(op.Inverse(), undo))
	}
}

// parts are the further parts in which a step was undone, as far as it was.
func (r *router) parts(part saga.Operation, undo saga.Call) []saga.Call {
	parts := []saga.Call{}
	for part.Part = 2; ; part.Part++ {
		asked, called := r.asked[part]
		if !called {
			return parts
		}
		if undo.Body = nil; asked.Missing == nil {
			undo.Body = asked.Effect.Body()
		}
		parts = append(parts, undo)
	}
}

// never is the effect of a step that was not asked for: nobody knows what it would have been,
// but there would have been one.
func never(step string) []byte {
	return saga.Effect{Writes: []saga.Write{{Register: "unknown/" + step, To: "done"}}}.Body()
}

// another puts a further instance of a step behind those that are there.
func another(steps []saga.Step, name string) []saga.Step {
	base, _ := saga.CutInstance(name)
	last := -1
	for i, s := range steps {
		if of, _ := saga.CutInstance(s.Name); of == base {
			last = i
		}
	}
	if last < 0 { // an operation that no step does
		return append(steps, saga.Step{Name: name, Kind: saga.Compensatable, After: []string{}, Action: saga.Call{URL: name, Retry: unknownPolicy}})
	}
	again := steps[last]
	again.Name = name
	steps = slices.Insert(slices.Clone(steps), last+1, again)
	for i := range steps { // what waits for a step waits for all of its instances
		if slices.Contains(steps[i].After, base) {
			steps[i].After = append(slices.Clone(steps[i].After), name)
		}
	}
	return steps
}

// leaveOut leaves out a step that the saga did not take: what comes after it comes after what
// it came after.
func leaveOut(steps []saga.Step, name string) []saga.Step {
	return slices.DeleteFunc(saga.Bypass(steps, name), func(s saga.Step) bool { return s.Name == name })
}

// unknownPolicy is what may be said of a call whose policy nobody has promised.
var unknownPolicy = saga.RetryPolicy{Multiplier: 1, AttemptTimeoutMS: 2000, DeadlineMS: 1}

// skeleton is the steps of the file, each once.
func (p *program) skeleton() []saga.Step {
	var steps []saga.Step
	before := []string{}
	for _, s := range p.flow.Plan() {
		after := s.After
		if after == nil {
			after = before
		}
		before = []string{s.Name}
		step := saga.Step{Name: s.Name, Kind: s.Kind, After: after, Action: p.call(s.Do, never(s.Name))}
		if s.Undo != nil {
			undo := p.call(s.Undo, saga.Effect{}.Body())
			step.Compensation = &undo
			if s.Do.InParts() {
				step.Parts = []saga.Call{}
			}
		}
		steps = append(steps, step)
	}
	return steps
}

func (p *program) call(op *workflows.Operation, body []byte) saga.Call {
	policy := unknownPolicy
	policy.MaxAttempts = p.flow.Promise(op).MaxAttempts
	return saga.Call{URL: op.Title(), Retry: policy, Body: body}
}
