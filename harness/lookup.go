package harness

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/workflows"
)

// mayRepeat tells whether a client may submit a saga again whose answer was lost.
func (r *cellRun) mayRepeat() bool {
	return r.can("idempotent-submit")
}

// lookUp finds out whether a saga was accepted whose only submission got no good
// answer: it asks for the status, until nothing is on its way any more and a whole
// time-out has passed since. A saga that is not known by then does not run; the cell
// goes on without it.
func (r *cellRun) lookUp(ctx context.Context, d saga.Definition, why error) (accepted bool, err error) {
	client := r.h.asker(r.sys)
	quiet := time.Duration(float64(saga.SubmitPolicy.AttemptTimeout()) * max(r.h.scale(r.sys), 1))
	deadline := time.Now().Add(r.h.Settle)
	busy := time.Now()
	var answers orchestrators.Puzzle
	for {
		if r.in.Away() || r.in.Pending() > 0 {
			busy = time.Now()
		}
		if !r.in.Away() {
			_, code, err := r.report(ctx, client, d.ID)
			switch {
			case ctx.Err() != nil:
				return false, ctx.Err()
			case err == nil && code == http.StatusOK:
				r.rec.Add(history.Event{Kind: history.SagaAccepted, Saga: d.ID, Code: code, Detail: "its answer was lost; it is known by its id"})
				return true, nil
			case answers.Hopeless(err), err != nil && time.Now().After(deadline):
				return false, fmt.Errorf("the status of saga %s, whose submission was not answered (%w): %w", d.ID, why, err)
			case err == nil && (time.Since(busy) > quiet || time.Now().After(deadline)):
				return r.unanswered(ctx, d.ID, code)
			}
		}
		if err := pause(ctx, submitPause); err != nil {
			return false, err
		}
	}
}

// known tells whether the orchestrator knows a saga or, where nobody can ask for it, has called a service for it.
func (r *cellRun) known(ctx context.Context, id string) bool {
	if r.own != nil && !r.own.router.askable(id) {
		return r.called(id)
	}
	_, code, err := r.report(ctx, r.h.asker(r.sys), id)
	return err == nil && code == http.StatusOK
}

// called tells whether a saga has called a service: then it was taken, whatever was answered.
func (r *cellRun) called(id string) bool {
	events, _ := r.rec.Since(0)
	return slices.ContainsFunc(events, func(e history.Event) bool { return e.Kind == history.CallSent && e.Saga == id })
}

// unaskableError is a saga that runs and that nobody can ask for. Whether its start is answered
// before a fault that strikes soon after is a race that may end otherwise another time.
type unaskableError struct{ id string }

func (e *unaskableError) Error() string {
	return fmt.Sprintf("saga %s has called services, and its start was never answered: without the id in that answer (start.id) nobody can ask what became of it: expected an outcome.request that asks by ${saga.id} or ${start.body…}, with a word for one that is not there (statuses: {NONE: unknown}), promises.start: idempotent, or no crashable process", e.id)
}

// startStruck tells whether a fault struck the start itself: no other plan leaves a saga of a
// workflow in the dark that answers starts before it is done.
func (r *cellRun) startStruck() bool {
	return slices.ContainsFunc(r.cell.Plan.Faults, func(f faults.Fault) bool { return f.At.Step == saga.SubmitStep })
}

// unanswered judges a saga that is not known. One that has called was taken. If nobody can ask
// for it, what became of it is not known, but for one that left what it did half done.
func (r *cellRun) unanswered(ctx context.Context, id string, code int) (accepted bool, err error) {
	why := "unknown after its only submission, and not submitted again: the orchestrator lacks the capability idempotent-submit"
	switch {
	case !r.called(id):
	case r.own == nil || r.own.router.askable(id):
		r.rec.Add(history.Event{Kind: history.SagaAccepted, Saga: id, Code: code, Detail: "its answer was lost; it has called services"})
		return true, nil
	case r.startStruck():
		why = "its start was struck, and it runs: without the id in the answer nobody can ask what became of it"
	case r.leftHalfDone(ctx, id):
		r.rec.Add(history.Event{Kind: history.SagaAccepted, Saga: id, Code: code, Detail: "its answer was lost; it has called services, and left half of it done"})
		return true, nil
	default:
		return false, &unaskableError{id}
	}
	r.rec.Add(history.Event{Kind: history.SagaRefused, Saga: id, Code: code, Detail: why})
	return false, nil
}

// leftHalfDone tells whether a saga that nobody can ask for comes to an end with what it has done
// neither complete nor undone, although it had as long as any other to go on. One that goes on and on has left nothing.
func (r *cellRun) leftHalfDone(ctx context.Context, id string) bool {
	seen, still := 0, time.Now()
	over := still.Add(longestSettle * r.h.Settle)
	for {
		events, _ := r.rec.Since(0)
		if len(events) > seen || r.in.Away() || r.in.Pending() > 0 {
			seen, still = len(events), time.Now()
		}
		switch {
		case !r.halfDone(id, events), time.Now().After(over) && !r.in.Away():
			return false
		case time.Since(still) > r.h.Settle:
			return true
		case pause(ctx, submitPause) != nil:
			return false
		}
	}
}

// keptNothing tells whether a workflow whose starts are answered with an end, and that keeps nothing of a
// saga that it undid, has undone one: its start was never answered, nobody knows it, and nothing is left of what
// it did.
func (r *cellRun) keptNothing(id string) bool {
	if r.own == nil || !r.own.router.flow.TellsEnds() || r.own.router.promised(id) || r.in.Away() || r.in.Pending() > 0 {
		return false
	}
	events, _ := r.rec.Since(0)
	_, left := effectsOf(id, events)
	return len(left) == 0
}

// halfDone tells whether something of a saga is done and not undone, and a step that must be done
// is not.
func (r *cellRun) halfDone(id string, events []history.Event) bool {
	done, left := effectsOf(id, events)
	return len(left) > 0 && slices.ContainsFunc(r.own.router.flow.Plan(), func(p workflows.Planned) bool {
		return !p.Optional && p.Kind != saga.Deferrable && !done[p.Name]
	})
}

// effectsOf are the steps of a saga that were done, and, by their parts, those that were not undone since.
func effectsOf(id string, events []history.Event) (done, left map[string]bool) {
	done, left = map[string]bool{}, map[string]bool{}
	for _, e := range events {
		switch {
		case e.Kind != history.CallCommitted || e.Saga != id:
		case e.Direction == saga.Compensation:
			delete(left, e.Step)
		default:
			done[base(e.Step)], left[e.Step] = true, true
		}
	}
	return done, left
}
