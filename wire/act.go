package wire

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/striking"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
)

// markDown makes a service unreachable after its crash.
func (in *Injector) markDown(service string, by int) {
	in.mu.Lock()
	in.down[service] += by
	in.mu.Unlock()
}

func (in *Injector) isDown(step string) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.down[in.Service(step)] > 0
}

// strike makes the victim of a fault go away, and come back.
func (in *Injector) strike(i int, e faults.Injection, step string) {
	switch e.Victim {
	case faults.ServiceDown:
		in.crashService(i, step, e.For)
	case faults.ProcessKilled:
		in.crash(i, e, step)
	case faults.ProcessPaused:
		in.pause(i, e.For)
	}
}

// crashService is the crash of a participant: unreachable now, back later.
func (in *Injector) crashService(i int, step string, d time.Duration) {
	service := in.Service(step)
	in.markDown(service, 1)
	in.background(func() {
		in.wait(d)
		in.markDown(service, -1)
		in.rec.Add(history.Event{Kind: history.FaultHealed, Fault: &i, Step: step, Detail: service + " is back"})
	})
}

// processLimit bounds what is asked of the orchestrator's process.
const processLimit = 2 * time.Minute

// askLimit bounds how long an operator waits for an answer.
const askLimit = 5 * time.Second

// crash kills the orchestrator now and starts it again later. What a service forgets
// meanwhile it forgets when nothing that was sent before is on its way any more.
func (in *Injector) crash(i int, e faults.Injection, step string) {
	in.onProcess(i, func(ctx context.Context) error {
		if in.AwaitNames != nil && step != saga.SubmitStep {
			in.AwaitNames(ctx)
		}
		if err := in.Target.Kill(ctx); err != nil {
			return err
		}
		in.rec.Add(history.Event{Kind: history.ProcessKilled, Fault: &i})
		return nil
	}, func(ctx context.Context) error {
		in.wait(e.For)
		back := history.Event{Kind: history.ProcessStarted, Fault: &i}
		if e.Forgets && in.Forget != nil && in.traffic.wait(in.ctx) {
			service := in.Service(step)
			in.Forget(service)
			back.Detail = service + " has forgotten its idempotency keys"
		}
		in.rec.Add(back)
		err := in.Target.Restart(ctx)
		if err == nil {
			in.rec.Add(history.Event{Kind: history.ProcessReady, Fault: &i})
		}
		return err
	})
}

// pause stops the orchestrator now and lets it go on later.
func (in *Injector) pause(i int, d time.Duration) {
	in.onProcess(i, func(ctx context.Context) error {
		if err := in.Target.Pause(ctx); err != nil {
			return err
		}
		in.rec.Add(history.Event{Kind: history.ProcessPaused, Fault: &i})
		return nil
	}, func(ctx context.Context) error {
		in.wait(d)
		err := in.Target.Resume(ctx)
		in.rec.Add(history.Event{Kind: history.ProcessResumed, Fault: &i})
		return err
	})
}

// ended heals the faults of an attempt that has ended, and lets those come that strike in the wait after it.
func (in *Injector) ended(x *exchange) {
	for _, i := range x.hits {
		in.strikes.Heal(i, x.call.Op)
	}
	if x.call.Copy == 0 {
		in.waits.Ended(x.call.Op, time.Now())
	}
	for _, i := range x.inWait {
		in.strikeInWait(i, x)
	}
}

// Ended says that the client has heard that a saga has ended.
func (in *Injector) Ended(id string) { in.ends.Heard(id) }

// strikeInWait makes the victim of a fault go away when the attempt that it is planned for has ended, in the
// wait for the next one, or when its saga is at its end.
func (in *Injector) strikeInWait(i int, x *exchange) {
	op := x.call.Op
	e, d := in.Plan.Faults[i].Injection(0), striking.Into(op, x.waited)
	evidence := fmt.Sprintf("%v after attempt %d of %s had ended", d.Round(time.Millisecond), x.call.Attempt, op)
	in.background(func() {
		if e.AtEnd {
			d, evidence = 0, "the client had heard that the saga had ended"
			if !in.ends.Wait(in.ctx, op.Saga) {
				return
			}
		}
		due := time.Now().Add(d)
		if in.wait(d) {
			in.rec.Late(time.Since(due)) // by so much the wait may have been over
			in.strikes.Fire(i, participants.Call{}, evidence)
			in.strike(i, e, op.Step)
		}
	})
}

// struckLater makes the victim of a window go away at its time.
func (in *Injector) struckLater(i int, f faults.Fault, e faults.Injection) {
	in.background(func() {
		if f.FromMS > 0 && !in.wait(f.From()) {
			return
		}
		in.strikes.Fire(i, participants.Call{}, "killed at its time")
		in.strike(i, e, "")
	})
}

// askRollback asks, and records that it did.
func (in *Injector) askRollback(i int, id string) {
	if in.Operator == nil {
		in.fail(i, errors.New("this orchestrator can't be asked for a rollback"))
		return
	}
	ctx, cancel := context.WithTimeout(in.ctx, askLimit)
	defer cancel()
	asked := time.Now()
	code, err := in.Operator(ctx, id)
	e := history.Event{Kind: history.SagaOperator, Saga: id, Code: code, Waited: time.Since(asked)}
	if err != nil {
		e.Detail = err.Error()
	}
	in.rec.Add(e)
}

// onProcess does the first part now and the second in the background, with no
// other process fault in between.
func (in *Injector) onProcess(i int, now, later func(context.Context) error) {
	if in.Target == nil {
		in.fail(i, errors.New("this orchestrator has no process that may be killed or paused"))
		return
	}
	in.process.Lock()
	in.away.Store(true)
	ctx, cancel := context.WithTimeout(in.alive, processLimit)
	if err := now(ctx); err != nil {
		in.fail(i, err)
		cancel()
		in.away.Store(false)
		in.process.Unlock()
		return
	}
	in.background(func() {
		defer in.process.Unlock()
		defer cancel()
		if err := later(ctx); err != nil {
			in.fail(i, err)
		}
		in.away.Store(false)
		in.strikes.Heal(i, saga.Operation{})
	})
}

func (in *Injector) storeDown(i int) {
	if in.Store == nil {
		in.fail(i, errors.New("this orchestrator has no store that could be cut off"))
		return
	}
	if err := in.Store.Down(); err != nil {
		in.fail(i, err)
		return
	}
	in.strikes.Fire(i, participants.Call{}, "the orchestrator was cut off from its store")
}

func (in *Injector) storeUp(i int) {
	if in.Store == nil {
		return
	}
	if err := in.Store.Up(); err != nil {
		in.fail(i, err)
	}
	in.strikes.Heal(i, saga.Operation{})
}
