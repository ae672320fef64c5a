package harness

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/workflows"
)

// What a stand-in service answers, and what is remembered of it.

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
		answer, err := r.whatIsThere(call, s)
		if err != nil {
			return r.unanswerable(call, err)
		}
		return answer
	}
}

// whatIsThere is the answer to a call that asks what was done: all of it, or what it names.
func (r *router) whatIsThere(call *workflows.Call, s *ownSaga) (participants.Answer, error) {
	var told []string
	var effects []workflows.Action
	var named *workflows.Action
	for _, done := range s.at(call.Op) {
		if !call.Op.Finds(done.said) {
			continue
		}
		if call.Op.Pairs() {
			if yes, err := call.Names(done.said); err != nil {
				return participants.Answer{}, err
			} else if !yes {
				continue
			}
			named = &done.said
		}
		effects = append(effects, done.said)
		if done.said.IsDone() {
			told = append(told, done.done.Ref)
		}
	}
	if call.Op.Pairs() && named == nil {
		return call.Missing()
	}
	a, err := call.Answer(s.vars(), "", named, effects)
	if err != nil {
		return participants.Answer{}, err
	}
	r.hear(s, a.Said()...)
	return participants.Answer{Code: a.Code, Header: a.Header, Body: a.Body, Told: told}, nil
}

// unanswerable is the answer where the file can't say any.
func (r *router) unanswerable(call *workflows.Call, err error) participants.Answer {
	r.trouble(fmt.Errorf("the answer of %s: %w", call.Op.Title(), err))
	return participants.Answer{Code: http.StatusNotImplemented, Title: "no answer", Detail: err.Error()}
}

// taken is the answer to a call that was taken. What was done is remembered as what
// compensations name; or it is declined later, and nothing is done.
func (r *router) taken(call *workflows.Call, s *ownSaga, done participants.Done, undoes *ownAction, declined bool) participants.Answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	done.Ref = r.ref(call)
	a, err := r.reply(call, s, done, undoes, declined)
	if err != nil {
		return r.unanswerable(call, err)
	}
	answer := participants.Answer{Code: a.Code, Header: a.Header, Body: a.Body, Ref: done.Ref, Shown: r.flow.Shown(a), Pending: call.Async()}
	did := &ownAction{saga: s, op: call.Op, at: done.Op, done: &done, said: call.Did(a, done.Effect, done.Ref)}
	if declined {
		answer.Pending, answer.Declined, answer.Detail = true, true, "it will decline"
		s.declined = append(s.declined, did)
	} else {
		r.remember(call, undoes, did)
	}
	if call.Async() && !call.CallsBack() {
		r.settleLater(call, did, declined)
	}
	r.hear(s, a.Said()...)
	return answer
}

// remember keeps what was done for a saga, and of an action that it was undone.
func (r *router) remember(call *workflows.Call, undoes, did *ownAction) {
	s := did.saga
	if did.at.Direction == saga.Action {
		s.actions = append(s.actions, did)
		r.keep(call, did)
		return
	}
	s.undos = append(s.undos, did)
	if !call.Op.Pairs() { // one that names none undoes what its step did, once
		undoes = s.standing(did.at.Inverse())
	}
	if undoes != nil {
		kept := undoes.saga.keeps[undoes.at]
		kept.Undo(call.Op, did.done.Effect)
		undoes.said.TakeBack(call.Op, did.done.Effect, kept.Effect())
	}
}

// standing is what an operation has done and what is not undone; nil: there is none.
func (s *ownSaga) standing(op saga.Operation) *ownAction {
	i := slices.IndexFunc(s.actions, func(a *ownAction) bool { return a.at == op && !a.said.IsUndone() })
	if i < 0 {
		return nil
	}
	return s.actions[i]
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
	if err == nil && call.CallsBack() {
		err = r.tellLater(call, s, done, of, declined)
	}
	return a, err
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
	if op.ShowsPending {
		done = slices.Concat(done, s.declined)
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
