package main

import (
	"context"
	"errors"
	"slices"
	"time"

	restate "github.com/restatedev/sdk-go"

	"github.com/sagacheck/sagacheck/engines/facade"
)

// Saga is the workflow, one execution a saga, keyed by the saga's id.
type Saga struct{}

const reportKey = "report"

// refusedCode marks a terminal error after which nothing was done.
const refusedCode = 422

// Run runs the steps one after the other, each as a durable step with the retry
// policy of the saga; a step is noted for compensation before it is called. On a
// terminal error the compensations run in reverse order.
func (Saga) Run(ctx restate.WorkflowContext, d facade.Definition) (facade.Report, error) {
	p := facade.NewProgress(d)
	show(ctx, p)
	switch err := forward(ctx, p); {
	case err == nil:
		p.Status = facade.Completed
		show(ctx, p)
		deferred(ctx, p)
	case p.PastPivot():
		p.Status = facade.Stuck
	default:
		p.Status = facade.Compensating
		show(ctx, p)
		p.Status = backward(ctx, p)
	}
	show(ctx, p)
	return p.Report(), nil
}

// Report is the state that Run shows; nil before it has begun.
func (Saga) Report(ctx restate.WorkflowSharedContext) (*facade.Report, error) {
	r, err := restate.Get[*facade.Report](ctx, reportKey)
	if err != nil {
		return nil, err
	}
	return r, nil
}

func show(ctx restate.WorkflowContext, p *facade.Progress) {
	restate.Set(ctx, reportKey, p.Report())
}

func forward(ctx restate.WorkflowContext, p *facade.Progress) error {
	for i, ok := p.Next(); ok; i, ok = p.Next() {
		p.Started(i)
		err := call(ctx, p.Action(i))
		p.Ended(i, err)
		if err != nil {
			return err
		}
	}
	return nil
}

func backward(ctx restate.WorkflowContext, p *facade.Progress) string {
	for _, i := range slices.Backward(p.Undo) {
		o, ok := p.Compensation(i)
		if !ok {
			continue
		}
		if err := call(ctx, o); err != nil {
			return facade.Stuck
		}
		p.States[i] = facade.Compensated
	}
	return facade.Compensated
}

// deferred runs the steps that may be done later, until they succeed.
func deferred(ctx restate.WorkflowContext, p *facade.Progress) {
	for i, s := range p.Definition.Steps {
		if s.Kind != facade.Deferrable {
			continue
		}
		o := p.Action(i)
		o.Call.Retry.MaxAttempts, o.Call.Retry.DeadlineMS = 0, 0
		p.States[i] = facade.Succeeded
		if err := call(ctx, o); err != nil {
			p.States[i] = facade.Failed
		}
		show(ctx, p)
	}
}

// call is a durable step: attempts until it succeeds, is refused, or is given up.
func call(ctx restate.WorkflowContext, o facade.Operation) error {
	r := o.Call.Retry
	attempt := func(ctx restate.RunContext) error {
		err := facade.Attempt(context.Context(ctx), o)
		var no *facade.RefusedError
		if errors.As(err, &no) {
			return restate.ToTerminalError(err, restate.WithErrorCode(refusedCode))
		}
		return err
	}
	name := restate.WithName(o.Step + "." + o.Direction)
	initial, longest, factor := restate.WithInitialRetryInterval(r.Initial()), restate.WithMaxRetryInterval(r.Max()), restate.WithRetryIntervalFactor(float32(r.Multiplier))
	limit := restate.WithMaxRetryAttempts(uint(r.MaxAttempts))
	deadline := restate.WithMaxRetryDuration(time.Duration(r.DeadlineMS) * time.Millisecond)
	var err restate.TerminalError
	switch {
	case r.MaxAttempts > 0 && r.DeadlineMS > 0:
		err = restate.RunVoid(ctx, attempt, name, initial, longest, factor, limit, deadline)
	case r.MaxAttempts > 0:
		err = restate.RunVoid(ctx, attempt, name, initial, longest, factor, limit)
	case r.DeadlineMS > 0:
		err = restate.RunVoid(ctx, attempt, name, initial, longest, factor, deadline)
	default:
		err = restate.RunVoid(ctx, attempt, name, initial, longest, factor)
	}
	if err == nil { // a nil interface of another type
		return nil
	}
	return err
}
