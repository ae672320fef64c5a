package wire

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/words"
	"github.com/sagacheck/sagacheck/saga"
)

// Operator asks an orchestrator for what people at its consoles want. The code is that of
// its answer.
type Operator interface {
	// Operate asks something of one saga; step is empty, or what it is about. The same key
	// again is the same request.
	Operate(ctx context.Context, id string, act saga.Act, step, key, author, reason string) (code int, err error)
}

// operate has operators ask what an injection says, now or later, and kills the orchestrator
// then if it says so.
func (in *Injector) operate(i int, e faults.Injection, op saga.Operation) {
	if in.Console == nil {
		in.fail(i, errors.New("nobody can ask this orchestrator for anything: its manifest does not say how"))
		return
	}
	if e.Later > 0 {
		in.later(i, e, op, func() { in.ask(i, e, op) })
		return
	}
	in.ask(i, e, op)
	in.strike(i, e, op.Step)
	if e.Resumed > 0 {
		in.background(func() {
			in.wait(e.Resumed)
			in.resume(i, op.Saga)
			in.strikes.Heal(i, op)
		})
	} else if !e.OnProcess() {
		in.strikes.Heal(i, op)
	}
}

// later has an operator ask when the time for it has come, unless the cell is over by then.
func (in *Injector) later(i int, e faults.Injection, op saga.Operation, ask func()) {
	in.background(func() {
		if in.wait(e.Later) {
			ask()
		}
		in.strikes.Heal(i, op)
	})
}

// ask has all consoles ask at once for one act after the other.
func (in *Injector) ask(i int, e faults.Injection, op saga.Operation) {
	for _, act := range e.Acts {
		var all sync.WaitGroup
		for n := range e.Consoles {
			all.Go(func() {
				for range e.Times {
					_ = in.asks(i, act, op, fmt.Sprintf("console-%d", n+1)) // it is recorded, and judged
				}
			})
		}
		all.Wait()
	}
}

// asks has one console ask once, and records what was answered; err is why that is no answer.
func (in *Injector) asks(i int, act saga.Act, op saga.Operation, author string) (err error) {
	e := in.event(i, act, op, author)
	ctx, cancel := context.WithTimeout(in.alive, askLimit)
	defer cancel()
	asked := time.Now()
	code, err := in.Console.Operate(ctx, op.Saga, act, e.Step, e.Key, author, e.Reason)
	e.Code, e.Changed, e.Waited = code, code == acted, time.Since(asked)
	if err != nil {
		e.Detail = err.Error()
	}
	in.rec.Add(e)
	if code != 0 && saga.Classify(code) != saga.Transient || code == refusedAct {
		return nil
	}
	return cmp.Or(err, fmt.Errorf("it answered %d", code))
}

// event is what is recorded of a request, but for what comes of it.
func (in *Injector) event(i int, act saga.Act, op saga.Operation, author string) history.Event {
	e := history.Event{
		Kind: history.SagaOperated, Fault: &i, Saga: op.Saga, What: string(act), By: author,
		Key: fmt.Sprintf("%s-fault-%d-%s-%s", op.Saga, i+1, act, author), Reason: fmt.Sprintf("fault %d of the plan", i+1),
	}
	switch act {
	case saga.ActRollback:
		e.Kind = history.SagaOperator
	case saga.ActSkip:
		e.Step, e.Direction = op.Step, saga.Action
	default:
	}
	return e
}

// The answers to an act: it is done and was not so before; it can't be.
const (
	acted      = 202
	refusedAct = 409
)

// Bounds of the wait between two requests to let a saga go on.
const (
	resumeSoon = 20 * time.Millisecond
	resumeLate = 500 * time.Millisecond
)

// resume asks until it has been answered: nobody else would let the saga go on. An orchestrator that is there and gives no
// answer for as long as a saga may take to end is trouble.
func (in *Injector) resume(i int, id string) {
	about := in.event(i, saga.ActResume, saga.Operation{Saga: id}, "console-1")
	about.Detail = "about to ask"
	in.rec.Add(about)
	times, since, wait := 0, time.Now(), resumeSoon
	for in.alive.Err() == nil {
		if in.Away() {
			times, since, wait = 0, time.Now(), resumeSoon
		} else {
			err := in.asks(i, saga.ActResume, saga.Operation{Saga: id}, "console-1")
			times++
			lasted := time.Since(since)
			switch {
			case err == nil:
				return
			case lasted > in.Patience && in.alive.Err() == nil:
				in.fail(i, fmt.Errorf("an operator asked %s in %v to let saga %s go on, and got no answer: %w", words.Plural(times, "time"), lasted.Round(time.Second), id, err))
				return
			}
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-in.alive.Done():
		}
		t.Stop()
		wait = min(2*wait, resumeLate)
	}
}
