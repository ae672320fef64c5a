package wire

import (
	"errors"
	"fmt"
	"time"

	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
)

// refusalPoll is how often a wait for a refused connection looks up, and
// unknownLimit how long it goes on after a connection was refused that may have
// been for its ports or for any other: longer than an orchestrator thinks before a
// step, since it may be another cell's.
const (
	refusalPoll  = 5 * time.Millisecond
	unknownLimit = 2 * time.Second
)

// refusal is what the kernel lets one know of a connection.
type refusal int

const (
	notRefused    refusal = iota
	maybeRefused          // one was, and nobody can know where it went
	surelyRefused         // at one of the ports
)

// SeesRefusals tells whether the kernel lets one know of connections that it refused: without
// that a fault of that kind fails its cell.
func SeesRefusals() error {
	heard, err := watchRefusals([]uint16{1})
	if err == nil {
		heard.close()
	}
	return err
}

// refuse closes the endpoints of an operation until connections were refused: that
// of the fault's saga, or those of all sagas.
func (in *Injector) refuse(i int) {
	f := in.Plan.Faults[i]
	endpoints, op := in.refusing(i)
	var ports []uint16
	for _, ep := range endpoints {
		ports = append(ports, ep.port())
	}
	heard, err := watchRefusals(ports)
	if err != nil {
		in.fail(i, err)
		return
	}
	for _, ep := range endpoints {
		err = errors.Join(err, ep.shut())
	}
	if err != nil {
		in.fail(i, err)
	}
	in.background(func() {
		defer heard.close()
		if err == nil && in.refused(i, op, heard) {
			in.wait(f.Injection(0).For)
		}
		for _, ep := range endpoints {
			if err := ep.reopen(); err != nil {
				in.fail(i, err)
			}
		}
		in.strikes.Heal(i, op)
	})
	in.leave() // the wait for a first refusal is not pending: it may never come
}

// refusing lists the endpoints that a fault closes, and what they stand for.
func (in *Injector) refusing(i int) (endpoints []*Endpoint, op saga.Operation) {
	f := in.Plan.Faults[i]
	op = saga.Operation{Step: f.At.Step, Direction: f.At.Direction, Part: f.At.Part}
	claimed := in.strikes.ClaimedBy(i)
	if in.Endpoint != nil && !saga.Inbound(f.At.Step) { // the cell has one saga
		op.Saga = in.Sagas[0]
		return []*Endpoint{in.Endpoint(f.At.Step)}, op
	}
	for n, id := range in.Sagas {
		ep := in.endpoints[saga.Operation{Saga: id, Step: f.At.Step, Direction: f.At.Direction, Part: f.At.Part}]
		if ep != nil && (f.Saga == n+1 || f.Saga == 0 && (claimed == "" || claimed == id)) {
			endpoints = append(endpoints, ep)
			op.Saga = id
		}
	}
	if len(endpoints) > 1 {
		op.Saga = "" // any of them
	}
	return endpoints, op
}

// refused waits until a connection was refused. false: there is no need to wait any
// longer, because the cell is over, or because one may have been refused and nobody
// can know: then the fault has not fired.
func (in *Injector) refused(i int, op saga.Operation, heard *refusals) bool {
	defer in.enter()
	var unknown time.Time
	for in.ctx.Err() == nil && (unknown.IsZero() || time.Since(unknown) < unknownLimit) {
		was, from, err := heard.next()
		switch {
		case err != nil:
			in.fail(i, err)
			return false
		case was == surelyRefused:
			in.strikes.Fire(i, participants.Call{Op: op}, fmt.Sprintf("the kernel refused a connection from port %d", from))
			return true
		case was == maybeRefused && unknown.IsZero():
			unknown = time.Now()
		}
	}
	return false
}
