package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/wire"
)

// cellRun is one cell while it runs.
type cellRun struct {
	h         *Harness
	cell      Cell
	sys       orchestrators.System
	ids       []string
	defs      []saga.Definition
	accepted  acceptances
	named     bool // its saga is started by its name: see byName
	calm      bool // all had ended, and was silent
	endpoints map[saga.Operation]*wire.Endpoint
	leased    []*wire.Endpoint
	own       *ownSystem // that runs the user's own workflow; nil: the sagas were made by us
	rec       *history.Recorder
	in        *wire.Injector
	world     *participants.World
}

// run carries out one cell. target is the process that its faults may hit.
func (h *Harness) run(ctx context.Context, c Cell, sys orchestrators.System, target wire.Target) (*history.History, error) {
	r := &cellRun{h: h, cell: c, sys: sys, endpoints: map[saga.Operation]*wire.Endpoint{}}
	if err := r.prepare(target); err != nil {
		return nil, err
	}
	defer h.wire.Release(r.leased)
	if err := r.byName(ctx, target); err != nil {
		return nil, err
	}
	defer h.pacer.record(r.rec)()
	defer h.readBacks.Open(r.ids, r.world)()
	if h.Watch != nil {
		h.Watch.Began(c, r.rec)
	}
	ear, err := r.listen(ctx, target != nil)
	r.in.Begin()
	began := time.Now()
	if err == nil {
		err = r.watched(ctx)
	}
	if err == nil {
		err = r.audit(ctx, began)
	}
	if err == nil {
		err = r.askForDrift(ctx)
	}
	if err == nil && r.own != nil {
		err = r.invariants(ctx)
	}
	var g *GoneError
	if ctx.Err() != nil || errors.As(err, &g) { // nothing is left to be brought back in order
		r.in.Abort()
	}
	defer context.AfterFunc(ctx, r.in.Abort)() // nobody waits for what is left
	if ctx.Err() == nil {
		h.late.Load().close(r)
	}
	var spoilt *spoiltError
	switch aborted := r.in.Close(); {
	case errors.As(err, &spoilt):
		err = aborted
	case g == nil:
		err = errors.Join(err, aborted)
	}
	if err == nil {
		err = ear.hear(ctx)
	}
	r.world.Read()
	hist := r.rec.Close()
	if r.own != nil {
		r.observed(hist)
		r.own.router.dismiss(r)
	}
	return hist, err
}

// prepare leases the addresses, builds the definitions and compiles the plan.
func (r *cellRun) prepare(target wire.Target) error {
	c := r.cell
	for n := range max(c.Sagas, 1) {
		r.ids = append(r.ids, fmt.Sprintf("%s-%d", c.ID, n+1))
	}
	r.plusNext()
	registers, err := r.build()
	if err != nil {
		return err
	}
	r.versions()
	header, err := r.header(registers)
	if err != nil {
		return err
	}
	r.rec = history.NewRecorder(header)
	store, _ := target.(wire.Store)
	setup := wire.Setup{
		Plan: c.Plan, Sagas: r.ids, Service: service(r.defs), Rec: r.rec, Target: target, Store: store,
		Rounds:   slices.ContainsFunc(r.defs, saga.Definition.HasRounds),
		Operator: r.sys.Client(r.sys.Base()).Compensate, Governor: r.governor(), Console: r.console(), Patience: r.h.Settle,
	}
	if own, ok := r.sys.(*ownSystem); ok {
		own.router.setup(&setup, r.ids, r.cell.Patient, func(service string) { r.world.Forget(service) })
	}
	r.in, err = wire.NewInjector(r.h.wire, setup)
	if err != nil {
		return err
	}
	r.world = participants.NewWorld(c.Profile, registers, r.rec, r.in.Hook, c.Rules)
	r.in.Drift = r.drift
	if _, ok := r.next(); ok {
		r.in.Redefine = r.redefine
	}
	r.script()
	own, ok := r.sys.(*ownSystem)
	if !ok {
		r.world.Expect(r.defs)
		return nil
	}
	if err := r.enroll(own); err != nil {
		r.h.wire.Release(r.leased)
		return err
	}
	return nil
}

// path is what the URL of an operation says; the endpoint that it belongs to takes
// nothing else.
func path(op saga.Operation) string {
	return fmt.Sprintf("/sagas/%s/steps/%s/%s", op.Saga, op.Step, op.Direction)
}

// build leases an address for submit and for each direction of each step, and
// makes the definitions with them.
func (r *cellRun) build() (registers map[string]string, err error) {
	r.defs, registers = r.cell.Source.Build(r.ids, func(n int, ref saga.StepRef) string {
		if err != nil {
			return ""
		}
		if ref.Direction == saga.ReadingBack {
			return r.readBack(r.ids[n], ref.Step)
		}
		var g *wire.Endpoint // of a workflow, nobody asks
		if g, err = r.lease(saga.Operation{Saga: r.ids[n], Step: ref.Step, Direction: ref.Direction}); err != nil {
			return ""
		}
		return "http://" + g.Addr() + path(saga.Operation{Saga: r.ids[n], Step: ref.Step, Direction: ref.Direction})
	})
	for _, id := range r.ids {
		if err == nil {
			_, err = r.lease(saga.Operation{Saga: id, Step: saga.SubmitStep, Direction: saga.Action})
		}
	}
	if err != nil {
		r.h.wire.Release(r.leased)
	}
	return registers, err
}

func (r *cellRun) lease(op saga.Operation) (*wire.Endpoint, error) {
	endpoints, err := r.h.wire.Lease(1)
	if err != nil {
		return nil, err
	}
	r.leased = append(r.leased, endpoints...)
	r.endpoints[op] = endpoints[0]
	return endpoints[0], nil
}

// service tells which participant a step belongs to: the owner of what it
// changes.
func service(defs []saga.Definition) func(step string) string {
	owners := map[string]string{}
	for _, d := range defs {
		for _, s := range d.Steps {
			e, err := s.Action.Effect()
			switch {
			case err != nil:
			case len(e.Postings) > 0:
				owners[s.Name] = participants.Owner(e.Postings[0].Account)
			case len(e.Writes) > 0:
				owners[s.Name] = participants.Owner(e.Writes[0].Register)
			}
		}
	}
	return func(step string) string {
		if owner, ok := owners[step]; ok {
			return owner
		}
		first, _ := saga.RoundOf(step)
		return owners[first]
	}
}

// script tells each endpoint its operation.
func (r *cellRun) script() {
	for op, g := range r.endpoints {
		if op.Step == saga.SubmitStep {
			r.in.Script(g, op, "", upstream(r.sys.Base()), 0, nil)
			continue
		}
		d := r.defs[r.index(op.Saga)]
		call, _ := d.Call(op.Ref())
		r.in.Script(g, op, path(op), wire.Upstream{Addr: r.h.server.Addr()}, call.Retry.ShortestTimeout(), r.world)
	}
}

func (r *cellRun) index(id string) int {
	for i, known := range r.ids {
		if known == id {
			return i
		}
	}
	return -1
}

// header is all that a judge needs besides the events.
func (r *cellRun) header(registers map[string]string) (history.Header, error) {
	c := r.cell
	plan, err := json.Marshal(c.Plan)
	if err != nil {
		return history.Header{}, err
	}
	defects := slices.Clone(r.h.Defects)
	if c.Rules != nil {
		defects = append(defects, c.Rules.Laid...)
	}
	h := history.Header{
		Cell: c.ID, Scenario: c.Scenario, Profile: string(c.Profile), Orchestrator: r.sys.Info(), Seed: c.Seed,
		PlanID: c.Plan.ID(), Plan: plan, Definitions: r.defs, Registers: registers,
		SettleMS: int(r.h.Settle / time.Millisecond), QuietMS: int(r.h.Quiet / time.Millisecond), Defects: defects,
	}
	if own, ok := r.sys.(*ownSystem); ok {
		h.Workflow, h.Promises, h.Real = own.router.flow.Name, own.router.flow.Promised(), own.router.flow.Reals()
	}
	h.Faults = PlannedFaults(c.Plan)
	for i, f := range c.Plan.Faults {
		p := &h.Faults[i]
		n := f.Saga - 1
		if f.Saga == 0 && len(r.ids) == 1 {
			n = 0
		}
		if n >= 0 && n < len(r.ids) && !f.At.IsZero() {
			p.Saga = r.ids[n]
		}
	}
	return h, nil
}

// PlannedFaults are the faults of a plan as histories and reports tell of them, without the sagas that they strike.
func PlannedFaults(p faults.Plan) []history.PlannedFault {
	var out []history.PlannedFault
	for _, f := range p.Faults {
		out = append(out, history.PlannedFault{Kind: f.Kind, At: f.At, Steps: f.Steps, Text: f.String()})
	}
	return out
}
