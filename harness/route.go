package harness

import (
	"cmp"
	"fmt"
	"net/http"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/wire"
	"github.com/sagacheck/sagacheck/workflows"
)

// anybodysError is a call that any of several cells may have made, one that is over among
// them: run alone, each of them shows whether it was its own.
type anybodysError struct{ error }

func (e *anybodysError) Unwrap() error { return e.error }

// unmatched refuses a call that the file does not know, or not enough of (call; nil: it knows
// nothing of it). What such a call says was said, all the same: what follows on it is nobody
// else's.
func (r *router) unmatched(service string, req workflows.Request, call *workflows.Call, err error) wire.Routed {
	seen := r.flow.Seen(service, req)
	cells := r.cells
	s := r.speaker(req.Said())
	if call != nil {
		r.hear(cmp.Or(s, r.nobody), r.unheard(call.Said())...)
	}
	if s != nil && s.cell == nil {
		s.tellLate(service + " " + req.Method)
		return r.over(s)
	} else if s != nil {
		cells = []*cellRun{s.cell}
	}
	err = fmt.Errorf("a call that the workflow's file does not explain: %w", err)
	if len(cells) > 1 || s == nil && r.late {
		err = &anybodysError{err}
	}
	for _, c := range cells {
		c.rec.Add(history.Event{Kind: history.CallUnmatched, Request: seen, Detail: err.Error()})
		c.in.Trouble(err)
	}
	return wire.Routed{Answer: participants.Answer{Code: http.StatusNotImplemented, Title: "unknown call", Detail: err.Error()}}
}

// over answers a call of a saga whose cell is over.
func (r *router) over(s *ownSaga) wire.Routed {
	r.late = r.late || s != r.nobody
	return wire.Routed{Answer: participants.Answer{Code: http.StatusGone, Title: "this saga's cell is over"}}
}

// Route finds out what a request is.
func (r *router) Route(service string, head *http.Request, body, raw []byte) wire.Routed {
	req := workflows.RequestOf(head, body)
	call, err := r.flow.Services[service].Match(req)
	if err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.unmatched(service, req, nil, err)
	}
	if call.Pass {
		return r.passed(service, call)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s, undoes, err := r.whoseIn(namesLimit, call)
	switch {
	case err != nil:
		return r.unmatched(service, req, call, err)
	}
	r.hear(s, call.Said()...)
	if s.cell == nil {
		if call.Op.Reads == "" {
			s.tellLate(call.Op.Title())
		}
		return r.over(s)
	}
	var behind *passed
	if real := r.real(service); real != nil {
		behind = &passed{router: r, to: *real, call: call, saga: s, cell: s.cell, head: head, raw: raw}
	}
	return r.line(service, call, s, undoes, behind)
}

// passed answers a call that belongs to no saga: as the file says, or else as the real
// service does.
func (r *router) passed(service string, call *workflows.Call) wire.Routed {
	if call.Stub != nil {
		return wire.Routed{Answer: *call.Stub}
	}
	return wire.Routed{Pass: r.real(service), Answer: participants.Answer{Code: http.StatusOK, Body: []byte("{}")}}
}

// line finds the operation of a call, and what the service does with it, or a real one
// behind it (nil: there is none); under the lock.
func (r *router) line(service string, call *workflows.Call, s *ownSaga, undoes *ownAction, behind *passed) wire.Routed {
	req := call.Sent()
	op, err := r.operation(call, s, undoes)
	if err != nil {
		return r.unmatched(service, req, call, err)
	}
	seen := r.flow.Seen(service, req)
	switch {
	case call.Op.Reads != "" && behind != nil:
		return wire.Routed{Line: r.lineOf(s, op), Seen: seen, Read: true, Handle: behind.look}
	case call.Op.Reads != "":
		world, tell := s.cell.world, r.telling(call, s)
		return wire.Routed{Line: r.lineOf(s, op), Seen: seen, Read: true, Handle: func(c participants.Call, _ http.Header, _ []byte) participants.Answer {
			return world.Look(c, tell)
		}}
	}
	late := func() { s.tellLate(call.Op.Title()) }
	ask, err := r.ask(call, s, op, undoes)
	if err != nil {
		return r.unmatched(service, req, call, err)
	}
	if _, again := s.asked[op]; !again {
		s.asked[op] = ask
		if op.Direction == saga.Action {
			s.tried = append(s.tried, &ownAction{saga: s, op: call.Op, at: op, said: call.Tried()})
		}
	}
	if behind != nil {
		return wire.Routed{Line: r.lineOf(s, op), Seen: seen, Key: ask.Key, Handle: behind.do(ask), Late: late}
	}
	world := s.cell.world
	r.answers(&ask, call, s, undoes)
	if ask.Missing != nil {
		ask.Again = func() *participants.Ask { return r.askedAgain(call, s, op) }
	}
	return wire.Routed{Line: r.lineOf(s, op), Seen: seen, Key: ask.Key, Late: late, Handle: func(c participants.Call, _ http.Header, _ []byte) participants.Answer {
		if op.Direction == saga.Action {
			world.Open(ask.Effect)
		}
		return r.garbled(s, world.Do(c, ask))
	}}
}

// answers says what is answered to what is done, or declined.
func (r *router) answers(ask *participants.Ask, call *workflows.Call, s *ownSaga, undoes *ownAction) {
	ask.Answer = func(done participants.Done) participants.Answer { return r.taken(call, s, done, undoes, false) }
	if call.Declines() {
		ask.Declined = func(of participants.Done) participants.Answer { return r.taken(call, s, of, undoes, true) }
	}
}

// askedAgain is what a compensation asks for that named nothing when it left, and now names what
// its operation undoes; nil: it does not.
func (r *router) askedAgain(call *workflows.Call, s *ownSaga, op saga.Operation) *participants.Ask {
	r.mu.Lock()
	defer r.mu.Unlock()
	undoes, err := r.pair(call, s)
	if err != nil || undoes == nil || undoes.done == nil || undoes.saga != s || undoes.at != op.Inverse() {
		return nil
	}
	ask, err := r.ask(call, s, op, undoes)
	if err != nil {
		r.trouble(err)
		return nil
	}
	r.answers(&ask, call, s, undoes)
	return &ask
}

// operation is the step and the direction of a call.
func (r *router) operation(call *workflows.Call, s *ownSaga, undoes *ownAction) (saga.Operation, error) {
	var named *saga.Operation
	if undoes != nil && undoes.saga == s {
		named = &undoes.at
	}
	return r.flow.OperationOf(call, s.id, named, s.instances)
}

func (r *router) lineOf(s *ownSaga, op saga.Operation) *wire.Line {
	l := s.lines[op]
	if l == nil {
		l = s.cell.line(op)
		s.lines[op] = l
	}
	return l
}

// ask reads what a call asks for. A compensation that names no effect is that of its step,
// whatever it did.
func (r *router) ask(call *workflows.Call, s *ownSaga, op saga.Operation, undoes *ownAction) (participants.Ask, error) {
	var of *workflows.Action
	a := participants.Ask{Profile: call.Protection(s.cell.cell.Profile), Keys: call.Keys(), Repeat: call.Repeat(), Whole: call.Op.Each == "", Path: call.Sent().Path, Meant: call.Sent().Meant()}
	if undoes != nil {
		of, a.Undoes = &undoes.said, undoes.done
		if a.Undoes != nil && undoes.saga.cell != s.cell { // nothing of that cell changes
			a.Undoes = &participants.Done{Ref: undoes.done.Ref, Op: undoes.done.Op, Effect: undoes.done.Effect}
		}
	}
	var err error
	if a.Key, err = call.Key(); err != nil {
		return a, err
	}
	if call.Op.Pairs() && a.Undoes == nil {
		missing, err := call.Missing()
		a.Missing, a.Tried = &missing, undoes != nil
		return a, err
	}
	if a.Repeat == participants.Refused {
		if a.Repeated, err = call.Repeated(); err != nil {
			return a, err
		}
	}
	if action, asked := s.asked[op.Inverse()]; of == nil && asked && op.Direction == saga.Compensation {
		of = &workflows.Action{"effect": s.doneBy(op.Inverse(), action.Effect)}
	}
	a.Effect, err = call.Effect(s.vars(), of)
	return a, err
}

func (s *ownSaga) vars() workflows.SagaVars {
	return workflows.SagaVars{ID: s.id, Own: s.own, Start: s.started}
}
