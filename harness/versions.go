package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/wire"
)

// In a cell whose plan changes the definition there is one more saga: the last one goes by the next version, and is
// submitted when the fault strikes.

// acceptances are the ids of the sagas that the orchestrator has taken, in order.
type acceptances struct {
	mu  sync.Mutex
	ids []string
}

func (a *acceptances) add(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ids = append(a.ids, id)
}

func (a *acceptances) all() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.ids)
}

// redefines tells whether a fault of the plan changes the definition.
func (c Cell) redefines() bool {
	return slices.ContainsFunc(c.Plan.Faults, func(f faults.Fault) bool { return faults.KindOf(f).Doc().Redefines })
}

// plusNext adds the id of that saga.
func (r *cellRun) plusNext() {
	if r.cell.redefines() {
		r.ids = append(r.ids, fmt.Sprintf("%s-%d", r.cell.ID, len(r.ids)+1))
	}
}

// versions makes the last definition the next version of the others; where there is none, the fault can't strike.
func (r *cellRun) versions() {
	if !r.cell.redefines() {
		return
	}
	last := len(r.defs) - 1
	next, ok := r.defs[last].Next()
	if !ok {
		return
	}
	for i := range r.defs {
		r.defs[i].Version = saga.FirstVersion
	}
	r.defs[last] = next
}

// first are the sagas that are submitted when the cell begins.
func (r *cellRun) first() []saga.Definition {
	if r.cell.redefines() {
		return r.defs[:len(r.defs)-1]
	}
	return r.defs
}

// next is the one that is submitted when the definition changes.
func (r *cellRun) next() (d saga.Definition, ok bool) {
	if len(r.defs) == 0 {
		return d, false
	}
	d = r.defs[len(r.defs)-1]
	return d, d.Version == saga.NextVersion
}

// byName has the orchestrator start with a file in which the first version of the saga stands under its name. Else, and
// where it is not killed in this cell, clients send each saga whole.
func (r *cellRun) byName(ctx context.Context, target wire.Target) error {
	d, ok := r.sys.(orchestrators.Definer)
	if _, starts := r.sys.Client(r.sys.Base()).(orchestrators.Starter); !ok || !starts || target == nil || !r.cell.kills() || len(r.first()) != 1 {
		return nil
	}
	if _, ok := r.next(); !ok {
		return nil
	}
	err := d.Define(r.first()[0])
	if errors.Is(err, orchestrators.ErrNoDefinitions) {
		return nil
	}
	if err == nil {
		err = target.Kill(ctx)
	}
	if err == nil {
		err = target.Restart(ctx)
	}
	r.named = err == nil
	return err
}

// kills tells whether a fault of the plan kills the orchestrator.
func (c Cell) kills() bool {
	return slices.ContainsFunc(c.Plan.Faults, func(f faults.Fault) bool { return f.Injection(0).Victim == faults.ProcessKilled })
}

// send submits a saga through a client: by its name if the orchestrator knows it so.
func (r *cellRun) send(ctx context.Context, c orchestrators.Client, d saga.Definition) (int, error) {
	if r.named && d.Version == saga.FirstVersion {
		return c.(orchestrators.Starter).Start(ctx, d.ID, d.Name)
	}
	return c.Submit(ctx, d)
}

// redefine submits it, once. Where the orchestrator reads a file of definitions it is the only version there from now on, when
// the process starts again.
func (r *cellRun) redefine(ctx context.Context) error {
	d, _ := r.next()
	if events, _ := r.rec.Since(0); slices.ContainsFunc(events, func(e history.Event) bool { return e.Kind == history.SagaSubmitted && e.Saga == d.ID }) {
		return errors.New("the next version was submitted already")
	}
	if r.named {
		if err := r.sys.(orchestrators.Definer).Define(d); err != nil {
			return err
		}
	}
	accepted, err := r.submit(ctx, d)
	if accepted {
		r.accepted.add(d.ID)
	}
	return err
}
