package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/sagacheck/sagacheck/engines/facade"
)

const (
	taskQueue   = "sagas"
	reportQuery = "report"
	refusedType = "Refused"

	rollbackUpdate = "rollback" // by an operator

	// The activities: the same call, under names that tell what was done from what was undone.
	act  = "Act"
	undo = "Undo"
)

// Saga is the workflow: the steps by their after, side by side where it allows;
// each step is noted for compensation before its activity is started; on failure
// the compensations run in reverse order, each until it succeeds.
func Saga(ctx workflow.Context, d facade.Definition) (facade.Report, error) {
	p := facade.NewProgress(d)
	err := workflow.SetQueryHandler(ctx, reportQuery, func() (facade.Report, error) { return p.Report(), nil })
	if err != nil {
		return p.Report(), err
	}
	failed, err := forward(ctx, p)
	switch {
	case err != nil:
		return p.Report(), err
	case !failed:
		p.Status = facade.Completed
		deferred(ctx, p)
	case p.PastPivot():
		p.Status = facade.Stuck
	default:
		p.Status = facade.Compensating
		p.Status = backward(ctx, p)
	}
	switch p.Status {
	case facade.Compensated: // it has failed, and so Temporal's metrics and console call it
		return p.Report(), temporal.NewNonRetryableApplicationError("rolled back", facade.Compensated, nil)
	case facade.Stuck: // it stays open, for a person
		return p.Report(), workflow.Await(ctx, func() bool { return false })
	}
	return p.Report(), nil
}

// forward runs the steps, each in a coroutine that waits for those before it, until one fails or an
// operator asks for the rollback. That ends waits between attempts; an attempt under way comes to its end.
func forward(ctx workflow.Context, p *facade.Progress) (failed bool, err error) {
	ctx, cancel := workflow.WithCancel(ctx)
	defer cancel()
	pivot := false // has been started
	err = workflow.SetUpdateHandlerWithOptions(ctx, rollbackUpdate, func(workflow.Context) (changed bool, err error) {
		changed = p.Status == facade.Running && !failed
		failed = true
		cancel()
		return changed, nil
	}, workflow.UpdateHandlerOptions{Validator: func() error {
		if pivot || p.Status == facade.Completed {
			return errors.New("too late")
		}
		return nil
	}})
	if err != nil {
		return false, err
	}
	wg := workflow.NewWaitGroup(ctx)
	for i, s := range p.Definition.Steps {
		if s.Kind == facade.Deferrable {
			continue
		}
		wg.Add(1)
		workflow.Go(ctx, func(ctx workflow.Context) {
			defer wg.Done()
			if err := workflow.Await(ctx, func() bool { return failed || p.Ready(i) }); err != nil || failed {
				return
			}
			pivot = pivot || s.Kind == facade.Pivot
			p.Started(i)
			err := call(ctx, act, p.Action(i))
			p.Ended(i, err)
			failed = failed || err != nil
		})
	}
	wg.Wait(ctx)
	return failed, nil
}

// backward undoes what was started, the last first.
func backward(ctx workflow.Context, p *facade.Progress) string {
	for _, i := range slices.Backward(p.Undo) {
		o, ok := p.Compensation(i)
		if !ok {
			continue
		}
		if err := call(ctx, undo, o); err != nil {
			return facade.Stuck
		}
		p.States[i] = facade.Compensated
	}
	return facade.Compensated
}

// deferred runs the steps that may be done later, until they succeed.
func deferred(ctx workflow.Context, p *facade.Progress) {
	for i, s := range p.Definition.Steps {
		if s.Kind != facade.Deferrable {
			continue
		}
		o := p.Action(i)
		o.Call.Retry.MaxAttempts, o.Call.Retry.DeadlineMS = 0, 0
		if err := call(ctx, act, o); err != nil {
			p.States[i] = facade.Failed
			continue
		}
		p.States[i] = facade.Succeeded
	}
}

// call runs an operation as an activity under its retry policy.
func call(ctx workflow.Context, name string, o facade.Operation) error {
	r := o.Call.Retry
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		// A little more than the attempt takes, so that the call ends first; it
		// matters when the worker died.
		StartToCloseTimeout:    r.AttemptTimeout() + time.Second,
		ScheduleToCloseTimeout: time.Duration(r.DeadlineMS) * time.Millisecond,
		WaitForCancellation:    true, // by an operator
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:        max(r.Initial(), time.Millisecond),
			BackoffCoefficient:     r.Multiplier,
			MaximumInterval:        max(r.Max(), time.Millisecond),
			MaximumAttempts:        int32(r.MaxAttempts),
			NonRetryableErrorTypes: []string{refusedType},
		},
	})
	return workflow.ExecuteActivity(ctx, name, o).Get(ctx, nil)
}

// CallService is the activity: one attempt.
func CallService(ctx context.Context, o facade.Operation) error {
	err := facade.Attempt(ctx, o)
	var no *facade.RefusedError
	var later *facade.TransientError
	switch {
	case errors.As(err, &no):
		return temporal.NewNonRetryableApplicationError(no.Error(), refusedType, no)
	case errors.As(err, &later) && later.RetryAfter > 0:
		return temporal.NewApplicationErrorWithOptions(later.Error(), "Throttled", temporal.ApplicationErrorOptions{NextRetryDelay: later.RetryAfter})
	}
	return err
}
