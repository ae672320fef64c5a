package wire

import (
	"context"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// Callback is what a service tells the orchestrator by a call of its own: what became of
// something that it was asked for.
type Callback struct {
	Op  saga.Operation // of which it tells
	Ref string         // the service's own name for the effect
	// Declined: there is none, and never will be.
	Declined bool
	Request  *history.Message
}

// Callback makes an endpoint the way of a callback to the orchestrator. It is an exchange as any
// other, with failure points of its own.
func (in *Injector) Callback(ep *Endpoint, c Callback, to Upstream) {
	op := c.Op
	op.Step = saga.Callback(op.Step)
	ep.script.Store(&script{op: op, upstream: to, callback: &c, in: in})
}

// Later does something after a time, unless the cell is over by then.
func (in *Injector) Later(after time.Duration, do func(context.Context)) {
	in.background(func() {
		if in.wait(after) {
			do(in.ctx)
		}
	})
}

// recordCallback records a callback when it is over. What the orchestrator answered it has
// answered, whether or not the service got to know.
func (x *exchange) recordCallback() {
	e := x.script.callback.event(x.call.Attempt)
	if x.far != nil {
		if began := x.far.began.Load(); began != nil {
			e.Passed = x.script.in.rec.Clock(*began)
		}
		if x.far.answer.whole() {
			e.Code = int(x.far.code.Load())
		}
	}
	x.script.in.rec.Add(e)
}

// event is the callback as the history has it, as far as it is known before it is over.
func (c *Callback) event(attempt int) history.Event {
	return history.Event{
		Kind: history.CallBack, Saga: c.Op.Saga, Step: c.Op.Step, Direction: c.Op.Direction, Part: c.Op.Part, Attempt: attempt,
		Request: c.Request, Told: []string{c.Ref}, Declined: c.Declined,
	}
}
