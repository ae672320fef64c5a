package harness

import (
	"context"
	"maps"
	"net/http"
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/scenarios"
	"github.com/sagacheck/sagacheck/wire"
	"github.com/sagacheck/sagacheck/workflows"
)

// Outline makes the definitions of a workflow's sagas as far as they are known before
// one runs: its steps, in their order, with the policies and the effects of a run
// before. What is really asked for takes their place when a cell is over.
type Outline struct {
	Flow  *workflows.Workflow
	Steps []saga.Step // as learnt; nil: as the file says
}

var _ Source = Outline{}

// Build gives each saga the same steps.
func (o Outline) Build(ids []string, _ scenarios.Address) ([]saga.Definition, map[string]string) {
	steps := o.Steps
	if steps == nil {
		steps = Skeleton(o.Flow)
	}
	var defs []saga.Definition
	for _, id := range ids {
		defs = append(defs, saga.Definition{
			ID: id, Name: o.Flow.Name, Steps: slices.Clone(steps), Reads: o.Flow.Reads(), Shows: o.Flow.Shows(),
			Callbacks: o.Flow.Callbacks(), Polled: o.Flow.Polled(),
		})
	}
	return defs, nil
}

// unknownPolicy is what may be said of a call whose policy nobody has promised: it may
// be given up at any time, and repeated as often as one likes.
var unknownPolicy = saga.RetryPolicy{Multiplier: 1, AttemptTimeoutMS: 2000, DeadlineMS: 1}

// Skeleton is the steps of a workflow's file, each once.
func Skeleton(flow *workflows.Workflow) []saga.Step {
	var steps []saga.Step
	before := []string{}
	for _, s := range flow.Plan() {
		after := s.After
		if after == nil {
			after = before
		}
		before = []string{s.Name}
		step := saga.Step{Name: s.Name, Kind: s.Kind, After: after, Action: ownCall(flow, s.Do, never(s.Name))}
		if s.Undo != nil {
			undo := ownCall(flow, s.Undo, saga.Effect{}.Body())
			step.Compensation = &undo
			if s.Do.InParts() {
				step.Parts = []saga.Call{}
			}
		}
		steps = append(steps, step)
	}
	return steps
}

// ownCall is a call as far as it is known before it is made.
func ownCall(flow *workflows.Workflow, op *workflows.Operation, body []byte) saga.Call {
	policy := unknownPolicy
	policy.MaxAttempts = flow.Promise(op).MaxAttempts
	return saga.Call{URL: op.Title(), Retry: policy, Body: body}
}

// never is the effect of a step that was not asked for in a cell: nobody knows what it
// would have been, but there would have been one.
func never(step string) []byte {
	return saga.Effect{Writes: []saga.Write{{Register: "unknown/" + step, To: "done"}}}.Body()
}

// enroll makes the cell's sagas known to the processes that run the workflow.
func (r *cellRun) enroll(sys *ownSystem) error {
	var started []workflows.Started
	for _, id := range r.ids {
		st, err := sys.router.flow.Begin(id, r.cell.Seed)
		if err != nil {
			return err
		}
		started = append(started, st)
	}
	sys.router.enroll(r, started)
	r.own = sys
	return nil
}

// setup tells the injector what is different with a workflow.
func (r *router) setup(s *wire.Setup, ids []string, patient bool, forget func(service string)) {
	s.Service = func(step string) string { return r.flow.ServiceOf(base(step)) }
	s.Forget = forget
	if patient {
		s.AwaitNames = func(ctx context.Context) { r.awaitNames(ctx, ids) }
	}
	s.Endpoint = func(step string) *wire.Endpoint { return r.endpoints[s.Service(step)] }
	s.Answered = func(id string, code int, header http.Header, body []byte) {
		answer := workflows.AnswerOf(code, header, body)
		if yes, err := r.flow.Accepted(answer); err != nil || !yes {
			return // the client says so, if it gets to know
		}
		if own, err := r.flow.OwnID(answer, id); err == nil {
			r.named(id, own)
		}
	}
}

// line is where the calls of an operation go.
func (r *cellRun) line(op saga.Operation) *wire.Line {
	call, _ := r.defs[r.index(op.Saga)].Call(op.Ref())
	return r.in.Line(op, wire.Upstream{Addr: r.h.server.Addr()}, call.Retry.ShortestTimeout(), r.world)
}

// base is the name of a step without the number of its instance.
func base(step string) string {
	name, _ := saga.CutInstance(step)
	return name
}

// observed puts what was asked for in the place of what was expected. Who asked for something
// else after a refusal can be told only then.
func (r *cellRun) observed(h *history.History) {
	router := r.own.router
	registers := r.world.Opened()
	maps.Copy(registers, h.Header.Registers)
	h.Header.Registers = registers
	router.define(h)
	if router.anew(h) {
		router.define(h)
	}
	h.Waive(router.flow.Optional)
}

func (r *router) define(h *history.History) {
	for i, d := range h.Header.Definitions {
		h.Header.Definitions[i].Steps = r.asked(d)
	}
}

// asked completes the steps of a saga with what its calls asked for.
func (r *router) asked(d saga.Definition) []saga.Step {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.sagas[d.ID]
	steps := slices.Clone(d.Steps)
	for op := range s.asked {
		if !slices.ContainsFunc(steps, func(x saga.Step) bool { return x.Name == op.Step }) {
			steps = r.another(steps, op.Step)
		}
	}
	for _, p := range r.flow.Plan() {
		if _, called := s.asked[saga.Operation{Saga: d.ID, Step: p.Name, Direction: saga.Action}]; p.Optional && !called {
			steps = leaveOut(steps, p.Name)
		}
	}
	for i := range steps {
		x := &steps[i]
		action, called := s.asked[saga.Operation{Saga: d.ID, Step: x.Name, Direction: saga.Action}]
		if called {
			x.Action.Body = action.Effect.Body()
		} else {
			x.Action.Body = never(d.ID + "/" + x.Name)
		}
		if x.Compensation == nil {
			continue
		}
		undo := *x.Compensation
		e, _ := x.Action.Effect() // it was made here
		undo.Body = e.Inverse().Body()
		if asked, called := s.asked[saga.Operation{Saga: d.ID, Step: x.Name, Direction: saga.Compensation}]; called && asked.Missing == nil {
			undo.Body = asked.Effect.Body()
		}
		x.Compensation, x.Keeps = &undo, s.keeps[saga.Operation{Saga: d.ID, Step: x.Name, Direction: saga.Action}].Effect()
		if x.Parts != nil {
			x.Parts = r.flow.Parts(base(x.Name), e, undo, s.parts(*x, undo))
		}
	}
	return steps
}

// parts are the further parts in which a step was undone, as far as it was.
func (s *ownSaga) parts(step saga.Step, undo saga.Call) []saga.Call {
	parts := []saga.Call{}
	for n := 2; ; n++ {
		asked, called := s.asked[saga.Operation{Saga: s.id, Step: step.Name, Direction: saga.Compensation, Part: n}]
		if !called {
			return parts
		}
		if undo.Body = nil; asked.Missing == nil {
			undo.Body = asked.Effect.Body()
		}
		parts = append(parts, undo)
	}
}

// leaveOut leaves out a step that a saga did not take: what comes after it comes after what
// it came after.
func leaveOut(steps []saga.Step, name string) []saga.Step {
	return slices.DeleteFunc(saga.Bypass(steps, name), func(s saga.Step) bool { return s.Name == name })
}

// another puts a further instance of a step behind those that are there, or a step that is
// not taken as a rule.
func (r *router) another(steps []saga.Step, name string) []saga.Step {
	last := -1
	for i, s := range steps {
		if base(s.Name) == base(name) {
			last = i
		}
	}
	if last < 0 {
		for _, planned := range Skeleton(r.flow) {
			if planned.Name == base(name) {
				planned.Name = name
				planned.After = slices.DeleteFunc(slices.Clone(planned.After), func(a string) bool {
					return r.flow.Steps == nil || !slices.ContainsFunc(steps, func(s saga.Step) bool { return s.Name == a })
				}) // without steps nobody has said an order
				return append(steps, planned)
			}
		}
		// an operation that no step does
		return append(steps, saga.Step{Name: name, Kind: saga.Compensatable, After: []string{}, Action: saga.Call{URL: name, Retry: unknownPolicy}})
	}
	again := steps[last]
	again.Name = name
	steps = slices.Insert(steps, last+1, again)
	for i := range steps { // what waits for a step waits for all of its instances
		if slices.Contains(steps[i].After, base(name)) {
			steps[i].After = append(slices.Clone(steps[i].After), name)
		}
	}
	return steps
}
