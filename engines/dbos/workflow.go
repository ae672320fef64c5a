package main

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"github.com/sagacheck/sagacheck/engines/facade"
)

const reportEvent = "report"

// Saga is the workflow: the steps one after the other, each a durable step with the
// retry policy of the saga and noted for compensation before it is called; on
// failure the compensations in reverse order.
func Saga(ctx dbos.Context, d facade.Definition) (facade.Report, error) {
	p := facade.NewProgress(d)
	if err := show(ctx, p); err != nil {
		return p.Report(), err
	}
	ok, err := forward(ctx, p)
	switch {
	case err != nil:
		return p.Report(), err
	case ok:
		p.Status = facade.Completed
	case p.PastPivot():
		p.Status = facade.Stuck
	default:
		p.Status = facade.Compensating
		if err := show(ctx, p); err != nil {
			return p.Report(), err
		}
		if p.Status, err = backward(ctx, p); err != nil {
			return p.Report(), err
		}
	}
	if err := show(ctx, p); err != nil || !ok {
		return p.Report(), err
	}
	return p.Report(), deferred(ctx, p)
}

// show publishes the progress: an event of the workflow.
func show(ctx dbos.Context, p *facade.Progress) error {
	return dbos.SetEvent(ctx, reportEvent, p.Report())
}

// forward runs the steps until one fails. An error means that this execution is not to go on: see
// leaves.
func forward(ctx dbos.Context, p *facade.Progress) (ok bool, err error) {
	for i, found := p.Next(); found; i, found = p.Next() {
		p.Started(i)
		outcome, err := call(ctx, p.Action(i))
		if leaves(err) {
			return false, err
		}
		if outcome == refused {
			err = errors.New(refused)
		}
		p.Ended(i, err)
		if err != nil {
			return false, nil
		}
	}
	return true, nil
}

func backward(ctx dbos.Context, p *facade.Progress) (string, error) {
	for _, i := range slices.Backward(p.Undo) {
		o, ok := p.Compensation(i)
		if !ok {
			continue
		}
		switch outcome, err := call(ctx, o); {
		case leaves(err):
			return p.Status, err
		case err != nil || outcome == refused:
			return facade.Stuck, nil
		}
		p.States[i] = facade.Compensated
	}
	return facade.Compensated, nil
}

// leaves tells whether an error says nothing of the step: an operator has cancelled the workflow, or
// has resumed it, and another execution goes on with it. This one has to return then: whatever it
// did further would be no part of the workflow.
func leaves(err error) bool {
	return errors.Is(err, dbos.ErrWorkflowCancelled) || errors.Is(err, dbos.ErrConflictingWorkflowID)
}

// deferred runs the steps that may be done later, until they succeed.
func deferred(ctx dbos.Context, p *facade.Progress) error {
	for i, s := range p.Definition.Steps {
		if s.Kind != facade.Deferrable {
			continue
		}
		o := p.Action(i)
		o.Call.Retry.MaxAttempts = 0
		outcome, err := call(ctx, o)
		if leaves(err) {
			return err
		}
		p.States[i] = facade.Succeeded
		if err != nil || outcome == refused {
			p.States[i] = facade.Failed
		}
		if err := show(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// The outcomes of a step. A refusal is a value and not an error: DBOS tries errors
// again, and an error that is read back from the store has lost its type.
const (
	done    = "done"
	refused = "refused"
)

// call is a durable step; an error means that it was given up.
func call(ctx dbos.Context, o facade.Operation) (string, error) {
	attempt := func(ctx context.Context) (string, error) {
		err := facade.Attempt(ctx, o)
		var no *facade.RefusedError
		if errors.As(err, &no) {
			return refused, nil
		}
		return done, err
	}
	r := o.Call.Retry
	retries := r.MaxAttempts - 1
	if r.MaxAttempts == 0 {
		retries = math.MaxInt32
	}
	return dbos.RunAsStep(ctx, attempt,
		dbos.WithStepName(o.Step+"."+o.Direction),
		dbos.WithStepMaxRetries(retries),
		dbos.WithStepBaseInterval(max(r.Initial(), time.Millisecond)),
		dbos.WithStepMaxInterval(max(r.Max(), time.Millisecond)),
		dbos.WithStepBackoffFactor(r.Multiplier),
	)
}
