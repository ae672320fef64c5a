package harness

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/wire"
	"github.com/sagacheck/sagacheck/workflows"
)

// real is the real service behind a service; nil: there is none.
func (r *router) real(service string) *wire.Real {
	addr := r.flow.Real(service)
	if addr == "" {
		return nil
	}
	secure, roots := r.flow.Secure(service)
	return &wire.Real{Service: service, Upstream: wire.Upstream{Addr: addr, TLS: secure, Roots: roots}, Place: r.place}
}

// place is where the workflow's processes reach a URL by an address or a host of the file's.
func (r *router) place(to *url.URL) (through *url.URL, ok bool) {
	for name, s := range r.flow.Services {
		front := &url.URL{Scheme: "http", Host: r.endpoints[name].Addr()}
		switch {
		case s.Host != "" && (strings.EqualFold(s.Host, to.Host) || strings.EqualFold(s.Host, to.Hostname())), wire.SameServer(front, to):
			return to, true
		case s.Upstream != "" && wire.SameServer(r.real(name).URL(), to):
			there := *to
			there.Scheme, there.Host = front.Scheme, front.Host
			return &there, true
		}
	}
	return nil, false
}

// reach says which real services do not listen; nil: all do.
func (r *router) reach(ctx context.Context) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(r.flow.Services)) {
		if real := r.real(name); real != nil {
			errs = append(errs, real.Reach(ctx))
		}
	}
	return errors.Join(errs...)
}

// passed is a call that goes on to a real service: a request as it came, and whose it is.
type passed struct {
	*router
	to   wire.Real
	call *workflows.Call
	saga *ownSaga
	cell *cellRun
	head *http.Request
	raw  []byte
}

// look passes a question on, and hears what was found.
func (p *passed) look(c participants.Call, _ http.Header, _ []byte) participants.Answer {
	return p.cell.world.Look(c, func() participants.Answer { return p.ask(c) })
}

// do passes on what asks for an effect.
func (p *passed) do(ask participants.Ask) participants.Handler {
	return func(c participants.Call, _ http.Header, _ []byte) participants.Answer {
		return p.cell.world.Pass(c, participants.Pass{
			Key: ask.Key, Effect: ask.Effect,
			Done: func() bool { return p.saga.said(p.router, c.Op) },
			Ask:  func() participants.Answer { return p.ask(c) },
		})
	}
}

// said tells whether a real service has said that it did an operation.
func (s *ownSaga) said(r *router, op saga.Operation) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return s.did(op)
}

// did is said under the lock.
func (s *ownSaga) did(op saga.Operation) bool {
	return slices.ContainsFunc(s.told, func(t told) bool { return t.op == op })
}

// told is an effect of which a real service has told.
type told struct {
	op    saga.Operation
	of    string // the name of what it undoes
	ref   string
	named bool // the name is the service's own
}

// ask passes the call on, and hears the answer: what it says is known from now on, and what
// it says that it did is done.
func (p *passed) ask(c participants.Call) participants.Answer {
	reply, ok := p.cell.in.Ask(p.to, p.head, p.raw)
	if !ok {
		return participants.Answer{Hangup: true}
	}
	said := workflows.Heard(reply.Code, reply.Header, reply.Body)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hear(p.saga, said.Said()...)
	a := participants.Answer{Code: reply.Code, Header: reply.Header, Body: append([]byte{}, said.Body...), Raw: reply.Raw, Shown: p.flow.Heard(said)}
	if p.saga.cell == nil {
		return a
	}
	class := saga.Classify(reply.Code)
	done, err := p.call.Done(p.saga.vars(), said)
	switch {
	case err != nil:
		p.cell.in.Trouble(err)
	case p.call.Op.Reads != "" && done:
		a.Told = p.found(said)
	case p.call.Op.Reads != "":
	case done && c.Op.Direction == saga.Action:
		a.Ref, a.Detail = p.did(c, said)
	case done:
		a.Ref, a.Detail = p.undid(c, said)
	case class == saga.Done:
		a.Detail = history.NotDone
	case p.saga.did(c.Op) && reply.Code >= 400 && reply.Code < 500:
		a.Detail = history.DoneBefore
	case class == saga.Permanent && c.Op.Direction == saga.Compensation:
		if undoes, err := p.pair(p.call, p.saga); err == nil && undoes == nil && p.call.Op.Pairs() {
			a.Detail = history.NamesNothing
		}
	}
	return a
}

// found are the names of the effects that the answer to a question tells of.
func (p *passed) found(said workflows.Reply) []string {
	var names []string
	for _, a := range p.saga.at(p.call.Op) {
		if said.Tells(a.done.Ref) {
			names = append(names, a.done.Ref)
		}
	}
	return names
}

// did notes an action of which the service says that it is done.
func (p *passed) did(c participants.Call, said workflows.Reply) (ref, detail string) {
	s := p.saga
	t, again := p.tell(told{op: c.Op, ref: p.call.Named(s.vars(), nil, said)})
	if again {
		return t.ref, history.Replayed
	}
	effect, err := p.call.Effect(s.vars(), nil)
	if err != nil {
		p.cell.in.Trouble(err)
		return t.ref, ""
	}
	done := &participants.Done{Ref: t.ref, Op: c.Op, Effect: effect}
	did := &ownAction{saga: s, op: p.call.Op, at: c.Op, done: done, said: p.call.Did(said, effect, t.ref)}
	s.actions = append(s.actions, did)
	p.keep(p.call, did)
	p.cell.world.Said(c, effect, t.ref, "", t.named)
	return t.ref, ""
}

// undid notes a compensation of which the service says that it is done. What it undoes may
// have been done while it was on its way.
func (p *passed) undid(c participants.Call, said workflows.Reply) (ref, detail string) {
	s, paired := p.saga, p.call.Op.Pairs()
	undoes, err := p.pair(p.call, s)
	stands := slices.ContainsFunc(s.actions, func(a *ownAction) bool {
		return a.op == p.call.Op.Undone() && !slices.ContainsFunc(s.told, func(t told) bool { return t.of == a.done.Ref && t.op.Step == a.at.Step })
	})
	switch {
	case err == nil && paired && undoes == nil && stands:
		err = fmt.Errorf("%s: its which names nothing that was done, and the service says that it undid it (%d %.200q): expected a which that is true of what is undone", p.call, said.Code, said.Body)
		fallthrough
	case err != nil:
		p.cell.in.Trouble(err)
		return "", ""
	case paired && (undoes == nil || undoes.done == nil), !paired && !slices.ContainsFunc(s.actions, func(a *ownAction) bool { return a.at.Step == c.Op.Step }):
		return "", "" // there was nothing to undo
	}
	var action *workflows.Action
	of := ""
	if paired {
		action, of = &undoes.said, undoes.done.Ref
	}
	t, again := p.tell(told{op: c.Op, of: of, ref: p.call.Named(s.vars(), action, said)})
	if again {
		return t.ref, history.Replayed
	}
	effect, err := p.call.Effect(s.vars(), action)
	if err != nil {
		p.cell.in.Trouble(err)
		return t.ref, ""
	}
	s.keeps[c.Op.Inverse()].Undo(p.call.Op, effect)
	p.cell.world.Said(c, effect, t.ref, of, t.named)
	return t.ref, ""
}

// tell notes an effect of which the service told, unless it has told of it before: under
// the same name, or, where it gives none, at all.
func (p *passed) tell(t told) (first told, again bool) {
	t.named = t.ref != ""
	for _, before := range p.saga.told {
		if before.op == t.op && before.of == t.of && (!t.named || !before.named || before.ref == t.ref) {
			return before, true
		}
	}
	if !t.named {
		p.refs++
		t.ref = fmt.Sprintf("(%s %d)", p.call.Op.Service, p.refs)
	}
	p.saga.told = append(p.saga.told, t)
	return t, false
}
