package harness

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
)

// driftPatience is how long the orchestrator has to notice drift, and to say so: what it promises (see
// docs/contract.md), and as long again.
const driftPatience = 4 * time.Second

// readBack is where an orchestrator that wants to know can ask what there is of a step; "": it does
// not want to.
func (r *cellRun) readBack(id, step string) string {
	if !r.can(orchestrators.Reconcile) && !r.can(orchestrators.Rounds) {
		return ""
	}
	return r.h.readBacks.URL(id, step)
}

func (r *cellRun) can(capability string) bool {
	return slices.Contains(r.sys.Info().Capabilities, capability)
}

func (r *cellRun) drift(op saga.Operation, how string, fault int) error {
	return r.world.Drift(op, participants.Drift(how), fault)
}

// askForDrift records what the orchestrator says of drift, when it has told all that there was, or has
// had its time.
func (r *cellRun) askForDrift(ctx context.Context) error {
	c, ok := r.sys.Client(r.sys.Base()).(orchestrators.Reconciler)
	readBack := func(d saga.Definition) bool {
		return slices.ContainsFunc(d.Steps, func(s saga.Step) bool { return s.ReadBack != "" })
	}
	if !ok || !r.can(orchestrators.Reconcile) || !slices.ContainsFunc(r.defs, readBack) {
		return nil
	}
	patience := time.Duration(1+len(r.cell.Plan.Faults)) * driftPatience // see lastChange
	ctx, cancel := context.WithTimeout(ctx, patience+repairsWatched+auditLimit)
	defer cancel()
	_, began := r.rec.Since(0)
	for {
		told, every, err := r.driftTold(ctx, c)
		events, now := r.rec.Since(0)
		late := now > max(began, lastChange(events))+driftPatience
		switch {
		case err == nil && (late || r.allTold(told) && r.repairsSettled()):
			for _, d := range told {
				r.rec.Add(history.Event{Kind: history.DriftTold, Saga: d.Saga, Step: d.Step, Direction: saga.Action, What: d.What, Found: r.found(d)})
			}
			r.rec.Add(history.Event{Kind: history.DriftRead, EveryMS: int(every / time.Millisecond)})
			return nil
		case err != nil && (late || ctx.Err() != nil):
			return fmt.Errorf("what is said of drift in cell %s: %w", r.cell.ID, err)
		}
		if err := pause(ctx, askLate); err != nil {
			return err
		}
	}
}

// lastChange is when something happened last from which on the orchestrator has its time: a drift, or it went away, or was there again.
func lastChange(events []history.Event) time.Duration {
	for _, e := range slices.Backward(events) {
		switch e.Kind {
		case history.Drifted, history.ProcessKilled, history.ProcessPaused, history.ProcessReady, history.ProcessResumed, history.FaultHealed:
			return e.At
		default:
		}
	}
	return 0
}

func (r *cellRun) driftTold(ctx context.Context, c orchestrators.Reconciler) (all []orchestrators.Drift, every time.Duration, err error) {
	for _, id := range r.accepted.all() {
		told, often, err := c.Drifts(ctx, id)
		if err != nil {
			return nil, 0, err
		}
		every = often
		all = append(all, slices.DeleteFunc(told, func(d orchestrators.Drift) bool { return d.Saga != id })...)
	}
	return all, every, nil
}

// found is when the orchestrator says that it found drift, on the clock of the history; 0: it does not say so.
func (r *cellRun) found(d orchestrators.Drift) time.Duration {
	if d.Found.IsZero() {
		return 0
	}
	return max(1, r.rec.Clock(d.Found)) // before the cell began: at its very beginning
}

// allTold tells whether each drift of the cell has been told: what was found before it is something else.
func (r *cellRun) allTold(told []orchestrators.Drift) bool {
	events, _ := r.rec.Since(0)
	return !slices.ContainsFunc(events, func(e history.Event) bool {
		return e.Kind == history.Drifted && !slices.ContainsFunc(told, func(d orchestrators.Drift) bool {
			return d.Saga == e.Saga && d.Step == e.Step && !history.FoundBefore(r.found(d), e.At)
		})
	})
}
