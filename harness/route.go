package harness

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/wire"
	"github.com/sagacheck/sagacheck/workflows"
)

// anybodysError is a call that any of several cells may have made: run alone, each of
// them shows whether it was its own.
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
		return over()
	} else if s != nil {
		cells = []*cellRun{s.cell}
	}
	err = fmt.Errorf("a call that the workflow's file does not explain: %w", err)
	if len(cells) > 1 {
		err = &anybodysError{err}
	}
	for _, c := range cells {
		c.rec.Add(history.Event{Kind: history.CallUnmatched, Request: seen, Detail: err.Error()})
		c.in.Trouble(err)
	}
	return wire.Routed{Answer: participants.Answer{Code: http.StatusNotImplemented, Title: "unknown call", Detail: err.Error()}}
}

// over answers a call of a saga whose cell is over.
func over() wire.Routed {
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
		return wire.Routed{Pass: r.real(service), Answer: participants.Answer{Code: http.StatusOK, Body: []byte("{}")}}
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
		return over()
	}
	var behind *passed
	if real := r.real(service); real != nil {
		behind = &passed{router: r, to: *real, call: call, saga: s, cell: s.cell, head: head, raw: raw}
	}
	return r.line(service, call, s, undoes, behind)
}

// namesLimit bounds the wait for the workflow's own name of a saga.
const namesLimit = 2 * time.Second

// whoseIn is whose; where the call names a saga that nobody knows, and the answer to a
// start is still on its way, it waits for that. Under the lock, which it lets go meanwhile.
func (r *router) whoseIn(limit time.Duration, call *workflows.Call) (s *ownSaga, undoes *ownAction, err error) {
	late := time.NewTimer(limit)
	defer late.Stop()
	for {
		s, undoes, err = r.whose(call)
		var unknown *unknownSagaError
		var unsaid *workflows.UnsaidError
		unnamed := slices.ContainsFunc(r.open(), func(s *ownSaga) bool { return s.own == "" })
		if !unnamed || !errors.As(err, &unknown) && !errors.As(err, &unsaid) {
			return s, undoes, err
		}
		news := r.news
		r.mu.Unlock()
		select {
		case <-news:
			r.mu.Lock()
		case <-late.C:
			r.mu.Lock()
			return r.whose(call)
		}
	}
}

// unknownSagaError is a call that names a saga which was not started.
type unknownSagaError struct{ value, op string }

func (e *unknownSagaError) Error() string {
	return fmt.Sprintf("%s names %q, and no saga of that name was started", e.op, e.value)
}

// whose finds the saga of a call, and the action that it undoes; under the lock.
func (r *router) whose(call *workflows.Call) (*ownSaga, *ownAction, error) {
	value, only, err := call.Saga(func(v string) (string, bool) {
		s := r.said[v]
		if s == nil {
			return "", false
		}
		return s.id, true
	})
	var s *ownSaga
	var unsaid *workflows.UnsaidError
	switch open := r.open(); {
	case errors.As(err, &unsaid) && len(open) == 1 && open[0].misled: // it names what it was not told
		s = open[0]
	case err != nil:
		return nil, nil, err
	case only:
		if len(open) != 1 {
			return &ownSaga{}, nil, nil
		}
		s = open[0]
	case value != "":
		if s = r.sagas[value]; s == nil {
			s = r.unnamed(call, value)
		}
		if s == nil {
			return nil, nil, &unknownSagaError{value, call.String()}
		}
	}
	undoes, err := r.pair(call, s)
	switch {
	case err != nil:
		return nil, nil, err
	case s != nil:
		return s, undoes, nil
	case undoes != nil:
		return undoes.saga, undoes, nil
	}
	if s := r.speaker(call.Sent().Said()); s != nil { // a name that is not there, of a saga that said it, or is over
		return s, nil, nil
	}
	if open := r.open(); len(open) == 1 { // it can be nobody else's
		return open[0], nil, nil
	}
	return nil, nil, fmt.Errorf("%s: its which names nothing that was done, and no saga: expression says whose it is", call)
}

// unnamed is the saga that a call is of which names it by a name that nobody knows: one whose
// own name is not known yet, or which was started again and may have got a second one, and
// which alone said something that the call says, too. It goes by that name from then on. Nil:
// there is none.
func (r *router) unnamed(call *workflows.Call, name string) *ownSaga {
	s := r.speaker(call.Sent().Said())
	if s == nil || s.cell == nil || s.own != "" && s.starts < 2 {
		return nil
	}
	r.sagas[name] = s
	return s
}

// pair finds the action that a compensation undoes: of its saga, or else of any. One that was
// asked for and has no effect is named, too, by what its request said: whoever does not know
// whether it was done may well undo it.
func (r *router) pair(call *workflows.Call, s *ownSaga) (*ownAction, error) {
	if call.Op.Undoes == "" || !call.Op.Pairs() {
		return nil, nil
	}
	found, err := r.names(call, s, func(o *ownSaga) []*ownAction { return o.actions })
	if err == nil && len(found) == 0 {
		if found, err = r.names(call, s, func(o *ownSaga) []*ownAction { return o.tried }); len(found) > 1 {
			found = nil
		}
	}
	switch {
	case err != nil, len(found) == 0:
		return nil, err
	case len(found) == 1:
		return found[0], nil
	}
	return nil, fmt.Errorf("%s: its which names %d actions (%s and %s): expected one", call, len(found), found[0].at, found[1].at)
}

// names are the actions of some kind that a compensation names: of its saga, or else of any.
func (r *router) names(call *workflows.Call, s *ownSaga, of func(*ownSaga) []*ownAction) ([]*ownAction, error) {
	var found []*ownAction
	for _, other := range r.open() {
		for _, a := range of(other) {
			if a.op.Name != call.Op.Undoes || a.op.Service != call.Op.Service {
				continue
			}
			yes, err := call.Names(a.said)
			if err != nil {
				return nil, err
			}
			if yes {
				found = append(found, a)
			}
		}
	}
	if own := slices.DeleteFunc(slices.Clone(found), func(a *ownAction) bool { return a.saga != s }); len(own) > 0 {
		return own, nil
	}
	return found, nil
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
		return wire.Routed{Line: r.lineOf(s, op), Seen: seen, Handle: behind.do(ask)}
	}
	world := s.cell.world
	ask.Answer = func(done participants.Done) participants.Answer { return r.answer(call, s, done, undoes) }
	if call.Declines() {
		ask.Declined = func(of participants.Done) participants.Answer { return r.decline(call, s, of, undoes) }
	}
	return wire.Routed{Line: r.lineOf(s, op), Seen: seen, Handle: func(c participants.Call, _ http.Header, body []byte) participants.Answer {
		return r.garbled(s, world.Do(c, body, ask))
	}}
}

// garbled makes known what an answer says that is not the service's: a call that names it
// later is this saga's.
func (r *router) garbled(s *ownSaga, a participants.Answer) participants.Answer {
	if a.Garble == "" {
		return a
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	said := workflows.ReplyOf(a)
	s.misled = true
	r.hear(s, said.Said()...)
	a.Shown = r.flow.Shown(said)
	return a
}

// telling is what a service does with a question for what it has done.
func (r *router) telling(call *workflows.Call, s *ownSaga) func() participants.Answer {
	return func() participants.Answer {
		r.mu.Lock()
		defer r.mu.Unlock()
		a, err := call.Answer(s.vars(), "", nil, s.effects(call.Op))
		if err != nil {
			return r.unanswerable(call, err)
		}
		r.hear(s, a.Said()...)
		var told []string
		for _, done := range s.at(call.Op) {
			told = append(told, done.done.Ref)
		}
		return participants.Answer{Code: a.Code, Header: a.Header, Body: a.Body, Told: told}
	}
}

// unanswerable is the answer where the file can't say any.
func (r *router) unanswerable(call *workflows.Call, err error) participants.Answer {
	r.trouble(fmt.Errorf("the answer of %s: %w", call.Op.Title(), err))
	return participants.Answer{Code: http.StatusNotImplemented, Title: "no answer", Detail: err.Error()}
}

// operation is the step and the direction of a call. Instances of an operation, and the parts
// in which one action is undone, are numbered in the order in which they are first seen.
func (r *router) operation(call *workflows.Call, s *ownSaga, undoes *ownAction) (saga.Operation, error) {
	step, direction := r.flow.StepOf(call.Op)
	op := saga.Operation{Saga: s.id, Step: step, Direction: direction}
	if undoes != nil && undoes.saga == s {
		op = undoes.at.Inverse()
	}
	if direction == saga.Compensation {
		part, err := call.Part()
		op.Part = saga.Part(s.number(op.Ref().String(), part))
		return op, err
	}
	each, err := call.Each()
	op.Step = saga.Instance(step, s.number(step, each))
	return op, err
}

// number is that of an instance of something, from 1. It is told apart by a key; an empty one:
// there is only one.
func (s *ownSaga) number(of, key string) int {
	if key == "" {
		return 1
	}
	keys := s.instances[of]
	if n := slices.Index(keys, key) + 1; n > 0 {
		return n
	}
	s.instances[of] = append(keys, key)
	return len(keys) + 1
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
	a := participants.Ask{Profile: call.Protection(s.cell.cell.Profile), Keys: call.Keys(), Repeat: call.Repeat()}
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
		a.Missing = &missing
		return a, err
	}
	if a.Repeat == participants.Refused {
		if a.Repeated, err = call.Repeated(); err != nil {
			return a, err
		}
	}
	if action, asked := s.asked[op.Inverse()]; of == nil && asked && op.Direction == saga.Compensation {
		of = &workflows.Action{"effect": action.Effect}
	}
	a.Effect, err = call.Effect(s.vars(), of)
	return a, err
}

func (s *ownSaga) vars() workflows.SagaVars {
	return workflows.SagaVars{ID: s.id, Own: s.own, Start: s.started}
}

// answer is what is answered when a call is done; it is remembered as what
// compensations name.
func (r *router) answer(call *workflows.Call, s *ownSaga, done participants.Done, undoes *ownAction) participants.Answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	done.Ref = r.ref(call)
	a, err := r.reply(call, s, done, undoes, false)
	if err != nil {
		return r.unanswerable(call, err)
	}
	did := &ownAction{saga: s, op: call.Op, at: done.Op, done: &done, said: call.Did(a, done.Effect, done.Ref)}
	if done.Op.Direction == saga.Action {
		s.actions = append(s.actions, did)
		r.keep(call, did)
	} else {
		s.undos = append(s.undos, did)
	}
	r.hear(s, a.Said()...)
	return participants.Answer{Code: a.Code, Header: a.Header, Body: a.Body, Ref: done.Ref, Shown: r.flow.Shown(a), Pending: call.Async()}
}

// ref is a new name of a service for something that it was asked for.
func (r *router) ref(call *workflows.Call) string {
	r.refs++
	return fmt.Sprintf("%c-%d", call.Op.Service[0], r.refs)
}

// reply is the answer to a call that was taken. A service that answers later sees to that.
func (r *router) reply(call *workflows.Call, s *ownSaga, done participants.Done, undoes *ownAction, declined bool) (workflows.Reply, error) {
	var of *workflows.Action
	if undoes != nil {
		of = &undoes.said
	}
	a, err := call.Answer(s.vars(), done.Ref, of, s.effects(call.Op))
	if err == nil && call.Async() {
		err = r.tellLater(call, s, done, of, declined)
	}
	return a, err
}

// decline is the answer to a call that was taken, and will be refused later: nothing is done.
func (r *router) decline(call *workflows.Call, s *ownSaga, done participants.Done, undoes *ownAction) participants.Answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	done.Ref = r.ref(call)
	a, err := r.reply(call, s, done, undoes, true)
	if err != nil {
		return r.unanswerable(call, err)
	}
	r.hear(s, a.Said()...)
	return participants.Answer{
		Code: a.Code, Header: a.Header, Body: a.Body, Ref: done.Ref, Shown: r.flow.Shown(a), Pending: true, Declined: true, Detail: "it will decline",
	}
}

// keep notes what stays of the first effect of an action when it has been undone.
func (r *router) keep(call *workflows.Call, did *ownAction) {
	s := did.saga
	if _, again := s.keeps[did.at]; again || s.cell == nil { // or its cell is over
		return
	}
	e, err := call.Keeps(s.vars(), did.said)
	if err != nil {
		r.trouble(err)
	}
	s.keeps[did.at] = e
}

// at is what the service of an operation has done for a saga, as far as that operation
// knows of it.
func (s *ownSaga) at(op *workflows.Operation) []*ownAction {
	done := s.actions
	if op.ReadsUndo() {
		done = s.undos
	}
	return slices.DeleteFunc(slices.Clone(done), func(a *ownAction) bool {
		return a.op.Service != op.Service || op.Reads != "" && a.op.Name != op.Reads
	})
}

// effects are the same for the expressions of its answers.
func (s *ownSaga) effects(op *workflows.Operation) []workflows.Action {
	var all []workflows.Action
	for _, a := range s.at(op) {
		all = append(all, a.said)
	}
	return all
}
