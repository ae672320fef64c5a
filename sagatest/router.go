package sagatest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/simulation"
	"github.com/sagacheck/sagacheck/workflows"
)

// router tells which operation a call is, and stands for the services. All calls of a cell
// are those of its only saga.
type router struct {
	p     *program
	vars  workflows.SagaVars
	world *participants.World
	cell  *simulation.Cell
	// served are the services of the user's own, by their names in the workflow.
	served map[string]simulation.Served

	mu        sync.Mutex
	refs      int // names that services have given to their effects
	instances workflows.Instances
	actions   []*action
	undos     []*action // compensations that were done, for read-backs that ask for them
	tried     []*action // what was asked for, whatever came of it
	asked     map[saga.Operation]participants.Ask
	keeps     map[saga.Operation]*workflows.Kept
	told      []told                 // of what services of the user's own have told
	doubts    map[doubt]bool         // about what these did
	unjudged  map[string]bool        // what of these no fault strikes, or no checker judges, in words
	accepted  map[saga.Operation]int // compensations of which these have said that they are done
}

// action is what a service has done, as compensations name it.
type action struct {
	op   *workflows.Operation
	at   saga.Operation
	done *participants.Done
	said workflows.Action
}

func (p *program) router(vars workflows.SagaVars) *router {
	return &router{
		p: p, vars: vars, instances: workflows.Instances{}, asked: map[saga.Operation]participants.Ask{}, keeps: map[saga.Operation]*workflows.Kept{},
		served: map[string]simulation.Served{}, doubts: map[doubt]bool{}, unjudged: map[string]bool{}, accepted: map[saga.Operation]int{},
	}
}

// elsewhere is what to do about a call of no step.
const elsewhere = "what belongs to no step is one of the stubs in the file of a Workflow"

// route finds out what a request is.
func (r *router) route(req *http.Request, body []byte) (simulation.Called, error) {
	service, known := r.p.hosts[strings.ToLower(req.URL.Host)]
	if !known {
		service, known = r.p.hosts[strings.ToLower(req.URL.Hostname())]
	}
	if !known {
		return simulation.Called{Seen: r.p.flow.Seen("", workflows.RequestOf(req, body))}, fmt.Errorf("%s %s: no step is at the host %q: expected one of %s; %s",
			req.Method, req.URL, req.URL.Host, strings.Join(slices.Sorted(maps.Keys(r.p.hosts)), ", "), elsewhere)
	}
	sent := workflows.RequestOf(req, body)
	called := simulation.Called{Seen: r.p.flow.Seen(service, sent)}
	behind, err := r.behind(service, req, body)
	if err != nil {
		return called, err
	}
	call, err := r.p.flow.Services[service].Match(sent)
	var none *workflows.NoRouteError
	switch {
	case errors.As(err, &none) && behind != nil && r.p.Workflow == "" && harmless(req.Method):
		called.Pass = behind.beside(req)
		return called, nil
	case errors.As(err, &none):
		return called, fmt.Errorf("%w; %s", err, elsewhere)
	case err != nil:
		return called, err
	case call.Pass && call.Stub != nil:
		called.Answer = call.Stub
		return called, nil
	case call.Pass && behind != nil:
		called.Pass = behind.beside(req)
		return called, nil
	case call.Pass:
		called.Answer = &participants.Answer{Code: http.StatusOK, Body: []byte("{}")}
		return called, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	err = r.line(&called, call, behind)
	return called, err
}

// harmless tells whether a request of a method changes nothing (RFC 9110, 9.2.1).
func harmless(method string) bool {
	return slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodOptions}, method)
}

// line finds the operation of a call, and what the service does with it, or one of the user's
// own behind it (nil: there is none); under the lock.
func (r *router) line(called *simulation.Called, call *workflows.Call, behind *passed) error {
	undoes, err := r.pair(call)
	if err == nil {
		called.Op, err = r.operation(call, undoes)
	}
	if err != nil {
		return err
	}
	if behind != nil {
		behind.call = call
	}
	switch {
	case call.Op.Reads != "" && behind != nil:
		called.Read, called.Handle = true, behind.look
		return nil
	case call.Op.Reads != "":
		called.Read = true
		called.Handle = func(c participants.Call, _ http.Header, _ []byte) participants.Answer {
			return r.world.Look(c, func() participants.Answer { return r.tell(call) })
		}
		return nil
	}
	ask, err := r.ask(call, called.Op, undoes)
	if err != nil {
		return err
	}
	op := called.Op
	if _, again := r.asked[op]; !again {
		r.asked[op] = ask
		if op.Direction == saga.Action {
			r.tried = append(r.tried, &action{op: call.Op, at: op, said: call.Tried()})
		}
	}
	called.Key = ask.Key
	if behind != nil {
		called.Handle = behind.do(ask)
		return nil
	}
	ask.Answer = func(done participants.Done) participants.Answer { return r.taken(call, done, undoes) }
	if ask.Missing != nil {
		ask.Again = func() *participants.Ask { return r.askedAgain(call, op) }
	}
	called.Handle = func(c participants.Call, _ http.Header, _ []byte) participants.Answer {
		if op.Direction == saga.Action {
			r.world.Open(ask.Effect)
		}
		a := r.world.Do(c, ask)
		if a.Garble != "" {
			a.Shown = r.p.flow.Shown(workflows.ReplyOf(a))
		}
		return a
	}
	return nil
}

// askedAgain is what a compensation asks for that named nothing when it left, and now names what
// its operation undoes; nil: it does not.
func (r *router) askedAgain(call *workflows.Call, op saga.Operation) *participants.Ask {
	r.mu.Lock()
	defer r.mu.Unlock()
	undoes, err := r.pair(call)
	if err != nil || undoes == nil || undoes.done == nil || undoes.at != op.Inverse() {
		return nil
	}
	ask, err := r.ask(call, op, undoes)
	if err != nil {
		return nil // it was asked before
	}
	ask.Answer = func(done participants.Done) participants.Answer { return r.taken(call, done, undoes) }
	return &ask
}

// pair finds the action that a compensation names; nil: it names none that is there.
func (r *router) pair(call *workflows.Call) (*action, error) {
	if call.Op.Undoes == "" || !call.Op.Pairs() {
		return nil, nil
	}
	found, err := named(call, r.actions)
	if err == nil && len(found) == 0 {
		if found, err = named(call, r.tried); err != nil || len(found) > 1 { // what has no answer is not named by what it says
			return nil, nil
		}
	}
	switch {
	case err != nil, len(found) == 0:
		return nil, err
	case len(found) > 1:
		return nil, call.NamesSeveral(len(found), found[0].at, found[1].at)
	}
	return found[0], nil
}

func named(call *workflows.Call, among []*action) ([]*action, error) {
	var found []*action
	for _, a := range among {
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
	return found, nil
}

// operation is the step and the direction of a call.
func (r *router) operation(call *workflows.Call, undoes *action) (saga.Operation, error) {
	var named *saga.Operation
	if undoes != nil {
		named = &undoes.at
	}
	return r.p.flow.OperationOf(call, r.vars.ID, named, r.instances)
}

// ask reads what a call asks for. A compensation that names no effect is that of its step.
func (r *router) ask(call *workflows.Call, op saga.Operation, undoes *action) (participants.Ask, error) {
	var of *workflows.Action
	a := participants.Ask{Profile: call.Protection(r.p.Participants), Keys: call.Keys(), Repeat: call.Repeat(), Whole: call.Op.Each == "", Path: call.Sent().Path, Meant: call.Sent().Meant()}
	if undoes != nil {
		of, a.Undoes = &undoes.said, undoes.done
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
	if did, asked := r.asked[op.Inverse()]; of == nil && asked && op.Direction == saga.Compensation {
		of = &workflows.Action{"effect": did.Effect}
	}
	a.Effect, err = call.Effect(r.vars, of)
	return a, err
}

// taken is the answer to a call that was done, which is remembered as what compensations
// name.
func (r *router) taken(call *workflows.Call, done participants.Done, undoes *action) participants.Answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refs++
	done.Ref = fmt.Sprintf("%c-%d", call.Op.Service[0], r.refs)
	var of *workflows.Action
	if undoes != nil {
		of = &undoes.said
	}
	a, err := call.Answer(r.vars, done.Ref, of, r.effects(call.Op))
	if err != nil {
		return participants.Answer{Code: http.StatusNotImplemented, Amiss: err}
	}
	did := &action{op: call.Op, at: done.Op, done: &done, said: call.Did(a, done.Effect, done.Ref)}
	if done.Op.Direction == saga.Compensation {
		r.undos = append(r.undos, did)
		r.undone(call, undoes, did)
	} else {
		r.actions = append(r.actions, did)
		if _, again := r.keeps[done.Op]; !again {
			r.keeps[done.Op], err = call.Keeps(r.vars, did.said)
		}
	}
	return participants.Answer{Code: a.Code, Header: a.Header, Body: a.Body, Ref: done.Ref, Shown: r.p.flow.Shown(a), Amiss: err}
}

// undone notes of an action that it was undone. A compensation that names none undoes what its
// step did, once.
func (r *router) undone(call *workflows.Call, undoes, did *action) {
	if !call.Op.Pairs() {
		i := slices.IndexFunc(r.actions, func(a *action) bool { return a.at == did.at.Inverse() && !a.said.IsUndone() })
		if i < 0 {
			return
		}
		undoes = r.actions[i]
	}
	if undoes != nil {
		kept := r.keeps[undoes.at]
		kept.Undo(call.Op, did.done.Effect)
		undoes.said.TakeBack(call.Op, did.done.Effect, kept.Effect())
	}
}

// at is what the service of an operation has done, as far as that operation knows of it.
func (r *router) at(op *workflows.Operation) []*action {
	done := r.actions
	if op.ReadsUndo() {
		done = r.undos
	}
	return slices.DeleteFunc(slices.Clone(done), func(a *action) bool {
		return a.op.Service != op.Service || op.Reads != "" && a.op.Name != op.Reads
	})
}

func (r *router) effects(op *workflows.Operation) []workflows.Action {
	var all []workflows.Action
	for _, a := range r.at(op) {
		all = append(all, a.said)
	}
	return all
}

// tell answers a call that asks what was done: all of it, or what it names.
func (r *router) tell(call *workflows.Call) participants.Answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	a, err := r.whatIsThere(call)
	a.Amiss = cmp.Or(err, a.Amiss)
	return a
}

func (r *router) whatIsThere(call *workflows.Call) (participants.Answer, error) {
	var told []string
	var effects []workflows.Action
	var one *workflows.Action
	for _, done := range r.at(call.Op) {
		if !call.Op.Finds(done.said) {
			continue
		}
		if call.Op.Pairs() {
			if yes, err := call.Names(done.said); err != nil {
				return participants.Answer{}, err
			} else if !yes {
				continue
			}
			one = &done.said
		}
		told, effects = append(told, done.done.Ref), append(effects, done.said)
	}
	if call.Op.Pairs() && one == nil {
		return call.Missing()
	}
	a, err := call.Answer(r.vars, "", one, effects)
	if err != nil {
		return participants.Answer{}, err
	}
	return participants.Answer{Code: a.Code, Header: a.Header, Body: a.Body, Told: told}, nil
}
