package faults

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// second sends the request again on a connection of its own.
func (in *Injector) second(x *exchange, after time.Duration) {
	in.background(func() {
		if !in.wait(int(after / time.Millisecond)) {
			return
		}
		if err := x.copy(in.wire); err != nil && in.ctx.Err() == nil {
			in.rec.Add(history.Event{Kind: history.CallStray, Saga: x.call.Op.Saga, Detail: "second copy: " + err.Error()})
		}
	})
}

// copy delivers the request once more and reads the answer to its end, which is
// nobody's. The copy is over when the participant has handled it.
func (x *exchange) copy(w *Wire) error {
	c, err := net.DialTimeout("tcp", x.script.upstream, 5*time.Second)
	if err != nil {
		return err
	}
	defer c.Close()                                                      //nolint:errcheck // nothing is left to lose
	defer context.AfterFunc(x.script.in.ctx, func() { _ = c.Close() })() // the end of the cell does not wait for it
	second := &exchange{number: w.exchanges.Add(1), script: x.script, req: x.req, call: x.call, handled: make(chan struct{})}
	second.call.Copy = 1
	local := c.LocalAddr().String()
	w.upstreams.Store(local, second)
	defer w.upstreams.CompareAndDelete(local, second)
	if _, err := c.Write(x.req.raw); err != nil {
		return err
	}
	if err := c.SetReadDeadline(time.Now().Add(handlingLimit)); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, c)
	return err
}

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

// crashService is the crash of a participant: unreachable now, back later.
func (in *Injector) crashService(i int, step string, ms int) {
	service := in.Service(step)
	in.markDown(service, 1)
	in.background(func() {
		in.wait(ms)
		in.markDown(service, -1)
		in.rec.Add(history.Event{Kind: history.FaultHealed, Fault: &i, Step: step, Detail: service + " is back"})
	})
}

// processLimit bounds what is asked of the orchestrator's process.
const processLimit = 2 * time.Minute

// askLimit bounds how long an operator waits for an answer.
const askLimit = 5 * time.Second

// crash kills the orchestrator now and starts it again later.
func (in *Injector) crash(i int, f Fault) {
	in.onProcess(i, func(ctx context.Context) error {
		if err := in.Target.Kill(ctx); err != nil {
			return err
		}
		in.rec.Add(history.Event{Kind: history.ProcessKilled, Fault: &i})
		return nil
	}, func(ctx context.Context) error {
		in.wait(f.DelayMS)
		in.rec.Add(history.Event{Kind: history.ProcessStarted, Fault: &i})
		err := in.Target.Restart(ctx)
		if err == nil {
			in.rec.Add(history.Event{Kind: history.ProcessReady, Fault: &i})
		}
		return err
	})
}

// pause stops the orchestrator now and lets it go on later.
func (in *Injector) pause(i int, f Fault) {
	in.onProcess(i, func(ctx context.Context) error {
		if err := in.Target.Pause(ctx); err != nil {
			return err
		}
		in.rec.Add(history.Event{Kind: history.ProcessPaused, Fault: &i})
		return nil
	}, func(ctx context.Context) error {
		in.wait(f.DelayMS)
		err := in.Target.Resume(ctx)
		in.rec.Add(history.Event{Kind: history.ProcessResumed, Fault: &i})
		return err
	})
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
		in.healed(i, saga.Operation{})
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
	in.mu.Lock()
	in.hurts[i] = true
	in.mu.Unlock()
	in.rec.Add(history.Event{Kind: history.FaultFired, Fault: &i, Detail: "the orchestrator was cut off from its store"})
}

func (in *Injector) storeUp(i int) {
	if in.Store == nil {
		return
	}
	if err := in.Store.Up(); err != nil {
		in.fail(i, err)
	}
	in.healed(i, saga.Operation{})
}

// refuse closes the gates of an operation until connections were refused: that
// of the fault's saga, or those of all sagas.
func (in *Injector) refuse(i int) {
	f := in.Plan.Faults[i]
	op := saga.Operation{Step: f.At.Step, Direction: f.At.Direction}
	in.mu.Lock()
	claimed := in.claimed[i]
	in.mu.Unlock()
	var gates []*Gate
	for n, id := range in.Sagas {
		g := in.gates[saga.Operation{Saga: id, Step: f.At.Step, Direction: f.At.Direction}]
		if g != nil && (f.Saga == n+1 || f.Saga == 0 && (claimed == "" || claimed == id)) {
			gates = append(gates, g)
			op.Saga = id
		}
	}
	if len(gates) > 1 {
		op.Saga = "" // any of them
	}
	before, err := attemptFails()
	for _, g := range gates {
		err = errors.Join(err, g.shut())
	}
	if err != nil {
		in.fail(i, err)
	}
	in.background(func() {
		if err == nil && in.refused(i, op, before) {
			in.wait(f.DelayMS)
		}
		for _, g := range gates {
			if err := g.reopen(); err != nil {
				in.fail(i, err)
			}
		}
		in.healed(i, op)
	})
	in.leave() // the wait for a first refusal is not pending: it may never come
}

// refused polls the kernel's counter until it moves; false: the cell is over.
func (in *Injector) refused(i int, op saga.Operation, before int) bool {
	defer in.enter()
	for in.wait(1) {
		now, err := attemptFails()
		if err != nil {
			in.fail(i, err)
			return false
		}
		if now > before {
			in.rec.Add(history.Event{
				Kind: history.FaultFired, Fault: &i, Saga: op.Saga, Step: op.Step, Direction: op.Direction,
				Detail: fmt.Sprintf("the kernel counted %d refused connection attempts", now-before),
			})
			in.mu.Lock()
			in.hurts[i] = true
			in.mu.Unlock()
			return true
		}
	}
	return false
}

// attemptFails reads TcpAttemptFails of this network namespace (RFC 4022,
// tcpAttemptFails): connections that went from SYN-SENT to CLOSED.
func attemptFails() (int, error) {
	b, err := os.ReadFile("/proc/net/snmp")
	if err != nil {
		return 0, fmt.Errorf("evidence of refused connections: %w (the fault kind refuse needs Linux)", err)
	}
	var names [][]byte
	for line := range bytes.Lines(b) {
		if !bytes.HasPrefix(line, []byte("Tcp:")) {
			continue
		}
		fields := bytes.Fields(line)
		if names == nil {
			names = fields
			continue
		}
		for k, name := range names {
			if string(name) == "AttemptFails" && k < len(fields) {
				return strconv.Atoi(string(fields[k]))
			}
		}
	}
	return 0, errors.New("evidence of refused connections: /proc/net/snmp has no AttemptFails")
}
