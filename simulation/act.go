package simulation

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/striking"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
)

// Hook is the participants' hook of this cell.
func (c *Cell) Hook(call participants.Call, m participants.Moment) *participants.Answer {
	if call.Copy > 0 {
		return c.strikes.RefuseCopy(call, m)
	}
	if m == participants.Arrived {
		c.mu.Lock()
		answer := c.answers[call]
		delete(c.answers, call)
		c.mu.Unlock()
		if answer != nil {
			return answer()
		}
	}
	var answer *participants.Answer
	for _, i := range c.strikes.On(call, m.Phase()) {
		e := c.Plan.Faults[i].Injection(0)
		if striking.Moment(e, m.Phase()) != m {
			continue
		}
		c.strikes.Fire(i, call, "the participant held the attempt")
		c.strike(i, e, call.Op.Step)
		if e.Asked && e.Later > 0 {
			c.background(func() {
				if c.wait(e.Later) {
					c.askRollback(call.Op.Saga)
				}
				c.strikes.Heal(i, call.Op)
			})
			continue
		}
		if e.Asked {
			c.askRollback(call.Op.Saga)
		}
		if !e.OnProcess() {
			c.strikes.Heal(i, call.Op)
		}
		if answer == nil {
			answer = striking.Given(e.Answer)
		}
	}
	return answer
}

// strike makes the victim of a fault go away, and come back.
func (c *Cell) strike(i int, e faults.Injection, step string) {
	switch e.Victim {
	case faults.ServiceDown:
		c.crashService(i, step, e.For)
	case faults.ProcessKilled:
		c.kill(i, e, step)
	}
}

// strikeInWait makes the victim of a fault go away when the attempt that it is planned for has ended, in the
// wait for the next one.
func (c *Cell) strikeInWait(i int, x *exchange) {
	op := x.call.Op
	d := striking.Into(op, x.waited)
	c.background(func() {
		if c.wait(d) {
			c.strikes.Fire(i, participants.Call{}, fmt.Sprintf("%v after attempt %d of %s had ended", d.Round(time.Millisecond), x.call.Attempt, op))
			c.strike(i, c.Plan.Faults[i].Injection(0), op.Step)
		}
	})
}

// askLimit bounds how long an operator waits for an answer.
const askLimit = 5 * time.Second

// askRollback asks for a saga's rollback, and records that it did.
func (c *Cell) askRollback(id string) {
	ctx, cancel := context.WithTimeout(c.ctx, askLimit)
	defer cancel()
	asked := time.Now()
	code, err := c.Operator(ctx, id)
	e := history.Event{Kind: history.SagaOperator, Saga: id, Code: code, Waited: time.Since(asked)}
	if err != nil {
		e.Detail = err.Error()
	}
	c.Rec.Add(e)
}

// crashService is the crash of a participant: unreachable now, back later.
func (c *Cell) crashService(i int, step string, d time.Duration) {
	service := c.Service(step)
	c.markDown(service, 1)
	c.background(func() {
		c.wait(d)
		c.markDown(service, -1)
		c.Rec.Add(history.Event{Kind: history.FaultHealed, Fault: &i, Step: step, Detail: service + " is back"})
	})
}

func (c *Cell) markDown(service string, by int) {
	c.mu.Lock()
	c.down[service] += by
	c.mu.Unlock()
}

func (c *Cell) isDown(step string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.down[c.Service(step)] > 0
}

// kill ends the process now and starts it again later. What a service forgets meanwhile it
// forgets before that.
func (c *Cell) kill(i int, e faults.Injection, step string) {
	select {
	case c.process <- struct{}{}: // a mutex would stop the clock of a bubble
	case <-c.ctx.Done():
		return
	}
	c.Process.Kill()
	c.Rec.Add(history.Event{Kind: history.ProcessKilled, Fault: &i})
	c.background(func() {
		defer func() { <-c.process }()
		defer c.strikes.Heal(i, saga.Operation{})
		if !c.wait(e.For) {
			return
		}
		back := history.Event{Kind: history.ProcessStarted, Fault: &i}
		if e.Forgets && c.Forget != nil {
			service := c.Service(step)
			c.Forget(service)
			back.Detail = service + " has forgotten its idempotency keys"
		}
		c.Rec.Add(back)
		c.Process.Start()
		c.Rec.Add(history.Event{Kind: history.ProcessReady, Fault: &i})
	})
}

// startWindows starts the clocks of windows, at a call to a step. A window with a time to
// begin counts from the first call of the cell, others from the first that they can meet.
func (c *Cell) startWindows(step string) {
	for i, f := range c.Plan.Faults {
		if !f.Window() || f.FromMS == 0 && len(f.Steps) > 0 && !slices.Contains(f.Steps, step) {
			continue
		}
		c.started[i].Do(func() { c.startWindow(i, f) })
	}
}

func (c *Cell) startWindow(i int, f faults.Fault) {
	e := f.Injection(0)
	if e.Victim == "" && f.FromMS == 0 {
		c.setOpen(i, true)
	}
	c.background(func() {
		switch {
		case f.FromMS > 0 && !c.wait(f.From()):
			return
		case e.Victim != "":
			c.strikes.Fire(i, participants.Call{}, "killed at its time")
			c.strike(i, e, "")
			return
		case f.FromMS > 0:
			c.setOpen(i, true)
		}
		c.wait(f.For())
		c.setOpen(i, false)
	})
}

func (c *Cell) setOpen(i int, open bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if open {
		c.open[i] = 0
		return
	}
	met := c.open[i]
	delete(c.open, i)
	c.Rec.Add(history.Event{Kind: history.FaultHealed, Fault: &i, Detail: fmt.Sprintf("met by %d attempts", met)})
}

// meet tells what an open window does to an attempt.
func (c *Cell) meet(i int, f faults.Fault, x *exchange) (e faults.Injection) {
	if !f.Window() || !slices.Contains(f.Steps, x.call.Op.Step) {
		return e
	}
	c.mu.Lock()
	nth, open := c.open[i]
	if open {
		c.open[i]++
		e = f.Injection(nth)
	}
	if e.Answer != nil {
		c.answers[x.call] = func() *participants.Answer {
			c.strikes.Fire(i, x.call, fmt.Sprintf("answered %d", e.Answer.Code))
			return striking.Given(e.Answer)
		}
	}
	c.mu.Unlock()
	switch {
	case e.Cut:
		c.strikes.Fire(i, x.call, "connection reset, request not delivered")
	case len(e.Bends) > 0:
		c.strikes.Fire(i, x.call, x.evidence())
	}
	return e
}

// refuses tells whether the connection of the next attempt of an operation is refused: the
// first one, and those that follow it until the port opens again.
func (c *Cell) refuses(op saga.Operation) bool {
	c.mu.Lock()
	next := participants.Call{Op: op, Attempt: c.counted[op] + 1}
	c.mu.Unlock()
	for _, i := range c.strikes.On(next, saga.Connect) {
		c.mu.Lock()
		since, before := c.refused[i]
		if !before {
			c.refused[i] = time.Now()
		}
		c.mu.Unlock()
		length := c.Plan.Faults[i].Injection(0).For
		switch {
		case !before:
			c.strikes.Fire(i, participants.Call{Op: op}, "a connection was refused")
			c.background(func() {
				c.wait(length)
				c.strikes.Heal(i, op)
			})
			return true
		case time.Since(since) < length:
			return true
		}
	}
	return false
}
