package sagatest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/simulation"
	"github.com/sagacheck/sagacheck/workflows"
)

// Services of the user's own: what one of them did is what it says that it did, as with a real
// service on the wire.

// EffectID is a header in which a service of Services may name what it did, where its body does
// not: the same name again is the same effect, another one is another. It counts as it stands
// when the handler has returned, so that a wrapper can set it behind the handler.
const EffectID = "Effect-Id"

// inMemory stands where the file of a workflow has the address of a real service. Nobody calls it.
const inMemory = "http://127.0.0.1:1"

// serves tells whether a service of the user's own is at a host.
func (s Saga) serves(host string) bool {
	for at := range s.Services {
		if strings.EqualFold(at, host) {
			return true
		}
	}
	return false
}

// served refuses services of the user's own that no call would come to.
func (p *program) served() error {
	for _, host := range slices.Sorted(maps.Keys(p.Services)) {
		service, known := p.hosts[strings.ToLower(host)]
		switch {
		case !known:
			return fmt.Errorf("no step is at the host %q of Services: expected one of %s", host, strings.Join(slices.Sorted(maps.Keys(p.hosts)), ", "))
		case p.flow.Real(service) == "":
			return fmt.Errorf("the host %q of Services: expected an upstream in services.%s of the file, which says that a real service stands there", host, service)
		case p.Services[host] == nil:
			return fmt.Errorf("the host %q of Services: expected a function that makes its handler", host)
		}
	}
	return nil
}

// serve makes the user's own services, for one plan.
func (r *router) serve(t testing.TB) error {
	for _, host := range slices.Sorted(maps.Keys(r.p.Services)) {
		service := r.p.hosts[strings.ToLower(host)]
		h := r.p.Services[host](t)
		if h == nil {
			return fmt.Errorf("the host %q of Services: its function made no handler", host)
		}
		r.served[service] = simulation.Served{Name: service, Handler: h}
	}
	return nil
}

// passed is a call that goes on to such a service: a request as it was sent.
type passed struct {
	*router
	to   simulation.Served
	call *workflows.Call
	raw  []byte
}

// behind is where a call goes on to; nil: to no service of the user's own.
func (r *router) behind(service string, req *http.Request, body []byte) (*passed, error) {
	to, served := r.served[service]
	if !served {
		return nil, nil
	}
	raw, err := simulation.Sent(req, body)
	return &passed{router: r, to: to, raw: raw}, err
}

// beside passes on what belongs to no step.
func (x *passed) beside(req *http.Request) func() participants.Answer {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.unjudged[fmt.Sprintf("calls of no step, %s at %s: they went to your service, and no fault struck them", req.Method, x.to.Name)] = true
	return func() participants.Answer {
		reply, ok := x.cell.Ask(x.to, x.raw)
		if !ok {
			return participants.Answer{Hangup: true}
		}
		return reply.Answer()
	}
}

// look passes a question on, and hears what was found.
func (x *passed) look(c participants.Call, _ http.Header, _ []byte) participants.Answer {
	return x.world.Look(c, func() participants.Answer { return x.hear(c) })
}

// do passes on what asks for an effect.
func (x *passed) do(ask participants.Ask) participants.Handler {
	return func(c participants.Call, _ http.Header, _ []byte) participants.Answer {
		return x.world.Pass(c, participants.Pass{
			Key: ask.Key, Effect: ask.Effect,
			Done: func() bool {
				x.mu.Lock()
				defer x.mu.Unlock()
				return x.saidDone(c.Op)
			},
			Ask: func() participants.Answer { return x.hear(c) },
		})
	}
}

// saidDone tells whether a service has said that it did an operation; under the lock.
func (r *router) saidDone(op saga.Operation) bool {
	return slices.ContainsFunc(r.told, func(t told) bool { return t.op == op })
}

// Why it is not known what a service did: no checker judges it, and nothing may be green for that.
const (
	ownFailure = "your service failed by itself (5xx): whether it did it is not known"
	nameless   = "your service did it again, and gave no name for what it did: whether that was done twice is not known: " +
		"expected a name in the place of ${new.id} in Answer (UndoAnswer), or in the header " + EffectID
)

// doubt is an operation of which it is not known what a service did, and why.
type doubt struct{ op, why string }

// unsure notes a doubt; under the lock.
func (r *router) unsure(op saga.Operation, why string) {
	r.doubts[doubt{op.Ref().String(), why}] = true
}

// doubtful are the doubts, as tests are told of them.
func (p *program) doubtful() []string {
	of := map[string][]string{}
	for d := range p.doubts {
		of[d.why] = append(of[d.why], d.op)
	}
	var lines []string
	for _, why := range slices.Sorted(maps.Keys(of)) {
		slices.Sort(of[why])
		lines = append(lines, strings.Join(of[why], ", ")+": "+why)
	}
	return lines
}

// told is an effect of which a service has told.
type told struct {
	op    saga.Operation
	of    string // the name of what it undoes
	ref   string
	named bool // the name is the service's own
}

// hear passes the call on, and hears the answer: what it says that it did is done.
func (x *passed) hear(c participants.Call) participants.Answer {
	undone := x.acceptedOf(c.Op.Inverse())
	reply, ok := x.cell.Ask(x.to, x.raw)
	if !ok {
		return participants.Answer{Hangup: true}
	}
	said := workflows.Heard(reply.Code, reply.Header, reply.Body)
	x.mu.Lock()
	defer x.mu.Unlock()
	a := reply.Answer()
	a.Shown = x.p.flow.Heard(said)
	class := saga.Classify(reply.Code)
	if reply.Code >= 500 && x.call.Op.Reads == "" {
		x.unsure(c.Op, ownFailure)
	}
	done, err := x.call.Done(x.vars, said)
	switch {
	case err != nil:
		x.cell.Trouble(err)
	case x.call.Op.Reads != "" && done:
		a.Told = x.found(said)
	case x.call.Op.Reads != "":
	case done && c.Op.Direction == saga.Action:
		a.Ref, a.Detail = x.did(c, said, reply.Final.Get(EffectID))
		if a.Detail == "" && x.accepted[c.Op.Inverse()] > undone {
			x.unjudged[fmt.Sprintf("whether %s was done before its undo, where your service worked on both at once", c.Op.Ref())] = true
		}
	case done:
		x.accepted[c.Op]++
		a.Ref, a.Detail = x.undid(c, said, reply.Final.Get(EffectID))
	case class == saga.Done:
		a.Detail = history.NotDone
	case x.saidDone(c.Op) && reply.Code >= 400 && reply.Code < 500:
		a.Detail = history.DoneBefore
	case class == saga.Permanent && c.Op.Direction == saga.Compensation:
		if undoes, err := x.pair(x.call); err == nil && undoes == nil && x.call.Op.Pairs() {
			a.Detail = history.NamesNothing
		}
	}
	return a
}

// acceptedOf is how often a compensation is said to be done.
func (r *router) acceptedOf(undo saga.Operation) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.accepted[undo]
}

// found are the names of the effects that the answer to a question tells of.
func (x *passed) found(said workflows.Reply) []string {
	var names []string
	for _, a := range x.at(x.call.Op) {
		if said.Tells(a.done.Ref) {
			names = append(names, a.done.Ref)
		}
	}
	return names
}

// did notes an action of which the service says that it is done.
func (x *passed) did(c participants.Call, said workflows.Reply, name string) (ref, detail string) {
	t, again := x.tell(told{op: c.Op, ref: x.naming(nil, said, name)})
	if again {
		return t.ref, history.Replayed
	}
	effect, err := x.call.Effect(x.vars, nil)
	if err != nil {
		x.cell.Trouble(err)
		return t.ref, ""
	}
	did := &action{op: x.call.Op, at: c.Op, done: &participants.Done{Ref: t.ref, Op: c.Op, Effect: effect}, said: x.call.Did(said, effect, t.ref)}
	x.actions = append(x.actions, did)
	if _, before := x.keeps[c.Op]; !before {
		if x.keeps[c.Op], err = x.call.Keeps(x.vars, did.said); err != nil {
			x.cell.Trouble(err)
		}
	}
	x.world.Said(c, effect, t.ref, "", t.named)
	return t.ref, ""
}

// undid notes a compensation of which the service says that it is done. What it undoes may
// have been done while it was on its way.
func (x *passed) undid(c participants.Call, said workflows.Reply, name string) (ref, detail string) {
	paired := x.call.Op.Pairs()
	undoes, err := x.pair(x.call)
	if err == nil && paired && undoes == nil && x.stands() {
		err = fmt.Errorf("%s: its which names nothing that was done, and the service says that it undid it (%d %.200q): expected a which that is true of what is undone", x.call, said.Code, said.Body)
	}
	switch {
	case err != nil:
		x.cell.Trouble(err)
		return "", ""
	case paired && (undoes == nil || undoes.done == nil), !paired && !slices.ContainsFunc(x.actions, func(a *action) bool { return a.at.Step == c.Op.Step }):
		return "", "" // there was nothing to undo
	}
	var of *workflows.Action
	which := ""
	if paired {
		of, which = &undoes.said, undoes.done.Ref
	}
	t, again := x.tell(told{op: c.Op, of: which, ref: x.naming(of, said, name)})
	if again {
		return t.ref, history.Replayed
	}
	effect, err := x.call.Effect(x.vars, of)
	if err != nil {
		x.cell.Trouble(err)
		return t.ref, ""
	}
	x.keeps[c.Op.Inverse()].Undo(x.call.Op, effect)
	x.world.Said(c, effect, t.ref, which, t.named)
	return t.ref, ""
}

// stands tells whether something was done of what the call undoes, and not undone yet.
func (x *passed) stands() bool {
	return slices.ContainsFunc(x.actions, func(a *action) bool {
		return a.op == x.call.Op.Undone() && !slices.ContainsFunc(x.told, func(t told) bool { return t.of == a.done.Ref && t.op.Step == a.at.Step })
	})
}

// naming is the service's own name for what it did: in the place of new.id, or else that of the
// header; empty: it gives none.
func (x *passed) naming(of *workflows.Action, said workflows.Reply, name string) string {
	if named := x.call.Named(x.vars, of, said); named != "" {
		return named
	}
	return name
}

// tell notes an effect of which the service told, unless it has told of it before: under
// the same name, or, where it gives none, at all.
func (x *passed) tell(t told) (first told, again bool) {
	t.named = t.ref != ""
	for _, before := range x.told {
		if before.op == t.op && before.of == t.of && (!t.named || !before.named || before.ref == t.ref) {
			if !t.named || !before.named {
				x.unsure(t.op, nameless)
			}
			return before, true
		}
	}
	if !t.named {
		x.refs++
		t.ref = fmt.Sprintf("(%s %d)", x.to.Name, x.refs)
	}
	x.told = append(x.told, t)
	return t, false
}
