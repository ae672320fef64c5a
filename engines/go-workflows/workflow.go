package main

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/cschleiden/go-workflows/workflow"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/sagacheck/sagacheck/engines/facade"
)

// Saga is the workflow: the steps one after the other, each an activity with the
// retry policy of the saga and noted for compensation before it is started; on
// failure the compensations in reverse order.
func Saga(ctx workflow.Context, d facade.Definition) error {
	p := facade.NewProgress(d)
	ok := forward(ctx, p)
	switch {
	case ok:
		p.Status = facade.Completed
	case p.PastPivot():
		p.Status = facade.Stuck
	default:
		p.Status = facade.Compensating
		if err := show(ctx, p); err != nil {
			return err
		}
		p.Status = backward(ctx, p)
	}
	if err := show(ctx, p); err != nil || !ok {
		return err
	}
	return deferred(ctx, p)
}

// show writes the progress where a status question reads it: workflows can't be
// queried, so an activity keeps it in a table of ours.
func show(ctx workflow.Context, p *facade.Progress) error {
	var t *table // names the activity
	_, err := workflow.ExecuteActivity[any](ctx, always, t.Show, p.Report()).Get(ctx)
	return err
}

// always are the options of activities on our own table.
var always = workflow.ActivityOptions{RetryOptions: workflow.RetryOptions{
	MaxAttempts: math.MaxInt32, FirstRetryInterval: 10 * time.Millisecond, BackoffCoefficient: 1,
}}

// forward runs the steps until one fails or an operator asks for the rollback. Before the pivot,
// or at the end where there is none, the saga is closed: nobody can ask for it any more.
func forward(ctx workflow.Context, p *facade.Progress) (ok bool) {
	ctx, cancel := workflow.WithCancel(ctx)
	defer cancel()
	closed := false
	workflow.Go(ctx, func(ctx workflow.Context) {
		workflow.Select(ctx, workflow.Receive(workflow.NewSignalChannel[any](ctx, rollback), func(workflow.Context, any, bool) {
			if !closed {
				cancel() // ends the waits between attempts, and lets no other attempt begin
			}
		}), workflow.Receive(ctx.Done(), func(workflow.Context, struct{}, bool) {}))
	})
	for i, found := p.Next(); found; i, found = p.Next() {
		if p.Definition.Steps[i].Kind == facade.Pivot {
			if closed = closeSaga(ctx, p); !closed {
				return false
			}
		}
		p.Started(i)
		outcome, err := call(ctx, p.Action(i))
		if outcome == refused {
			err = errors.New(refused)
		}
		p.Ended(i, err)
		if err != nil {
			return false
		}
	}
	return closed || closeSaga(ctx, p)
}

// closeSaga is false if an operator was first.
func closeSaga(ctx workflow.Context, p *facade.Progress) bool {
	var t *table
	open, err := workflow.ExecuteActivity[bool](ctx, always, t.Close, p.Definition.ID).Get(ctx)
	return err == nil && open
}

func backward(ctx workflow.Context, p *facade.Progress) string {
	for _, i := range slices.Backward(p.Undo) {
		o, ok := p.Compensation(i)
		if !ok {
			continue
		}
		if outcome, err := call(ctx, o); err != nil || outcome == refused {
			return facade.Stuck
		}
		p.States[i] = facade.Compensated
	}
	return facade.Compensated
}

// deferred runs the steps that may be done later, until they succeed.
func deferred(ctx workflow.Context, p *facade.Progress) error {
	for i, s := range p.Definition.Steps {
		if s.Kind != facade.Deferrable {
			continue
		}
		o := p.Action(i)
		o.Call.Retry.MaxAttempts, o.Call.Retry.DeadlineMS = 0, 0
		outcome, err := call(ctx, o)
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

// rollback is the signal of an operator who asks for it.
const rollback = "rollback"

// The outcomes of a call.
const (
	done    = "done"
	refused = "refused"
)

// call runs an operation as an activity; an error means that it was given up.
func call(ctx workflow.Context, o facade.Operation) (string, error) {
	r := o.Call.Retry
	attempts := r.MaxAttempts
	if attempts == 0 {
		attempts = math.MaxInt32
	}
	ctx, span := workflow.Tracer(ctx).Start(ctx, o.Step+"."+o.Direction, trace.WithAttributes(
		attribute.String("saga.id", o.Saga), attribute.String("saga.step", o.Step), attribute.String("saga.direction", o.Direction)))
	defer span.End()
	return workflow.ExecuteActivity[string](ctx, workflow.ActivityOptions{RetryOptions: workflow.RetryOptions{
		MaxAttempts: attempts,
		// The library multiplies already before the first retry.
		FirstRetryInterval: time.Duration(float64(r.Initial()) / r.Multiplier),
		MaxRetryInterval:   r.Max(),
		BackoffCoefficient: r.Multiplier,
		RetryTimeout:       time.Duration(r.DeadlineMS) * time.Millisecond,
	}}, CallService, o).Get(ctx)
}

// CallService is the activity: one attempt. A refusal is a value, since it is
// final.
func CallService(ctx context.Context, o facade.Operation) (string, error) {
	err := facade.Attempt(ctx, o)
	var no *facade.RefusedError
	if errors.As(err, &no) {
		return refused, nil
	}
	return done, err
}
