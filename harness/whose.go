package harness

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/workflows"
)

// Whose a call is: which saga, and which action it undoes.

// namesLimit bounds the wait for the workflow's own name of a saga.
const namesLimit = 2 * time.Second

// whoseIn is whose; where the call names a saga that nobody knows, and the answer to a
// start is still on its way, it waits for that. Under the lock, which it lets go meanwhile.
func (r *router) whoseIn(limit time.Duration, call *workflows.Call) (s *ownSaga, undoes *ownAction, err error) {
	late := time.NewTimer(limit)
	defer late.Stop()
	for {
		unnamed := slices.ContainsFunc(r.open(), func(s *ownSaga) bool { return s.own == "" })
		s, undoes, err = r.whose(call, unnamed)
		var unknown *unknownSagaError
		var unsaid *workflows.UnsaidError
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
			return r.whose(call, false)
		}
	}
}

// unknownSagaError is a call that names a saga which was not started.
type unknownSagaError struct{ value, op string }

func (e *unknownSagaError) Error() string {
	return fmt.Sprintf("%s names %q, and no saga of that name was started", e.op, e.value)
}

// whose finds the saga of a call, and the action that it undoes; under the lock. While the
// name of a saga is still to come (unnamed), a value that only one has said whose cell is over
// is not known yet: it may be that name.
func (r *router) whose(call *workflows.Call, unnamed bool) (*ownSaga, *ownAction, error) {
	value, only, err := call.Saga(func(v string) (string, bool) {
		s := r.sagas[v] // a name of its own is more than what somebody else said, a number perhaps
		if s == nil {
			s = r.said[v]
		}
		if s == nil || unnamed && s.cell == nil {
			return "", false
		}
		return s.id, true
	})
	var s *ownSaga
	var unsaid *workflows.UnsaidError
	switch open, lone := r.open(), r.lone(); {
	case errors.As(err, &unsaid) && lone != nil && lone.misled: // it names what it was not told
		s = lone
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
	if s := r.lone(); s != nil { // it can be nobody else's
		return s, nil, nil
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
		found, err = r.names(call, s, func(o *ownSaga) []*ownAction { return o.tried })
		if err != nil || len(found) > 1 { // what has no answer is not named by what its answer says
			found, err = nil, nil
		}
	}
	switch {
	case err != nil, len(found) == 0:
		return nil, err
	case len(found) == 1:
		return found[0], nil
	}
	return nil, call.NamesSeveral(len(found), found[0].at, found[1].at)
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
