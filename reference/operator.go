package reference

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sagacheck/sagacheck/reference/definitions"
	"github.com/sagacheck/sagacheck/saga"
)

// What operators ask for is decided by the saga's one goroutine, in turn with all that
// happens to it, and written down with who asked and why before it is answered. So two
// consoles at once do it once, and a crash forgets none of it.

// Asked is what an operator asks of one saga.
type Asked struct {
	Act  saga.Act `json:"act"`
	Step string   `json:"step,omitempty"` // that it is about; empty: the whole saga
	// Key is the request's own: the same again is the same request. Empty: it has none.
	Key string `json:"key,omitempty"`
	// Expected, if it is not empty, is the tag of the preview that the operator was shown: of
	// another one nothing is done.
	Expected string `json:"-"`
	By
}

// maxWord bounds what an operator says, and the key of a request, in bytes.
const maxWord = 1000

// Bounded says which field is too long.
func (a Asked) Bounded() error {
	for _, f := range []struct{ name, said string }{{"Idempotency-Key", a.Key}, {"author", a.Author}, {"reason", a.Reason}} {
		if len(f.said) > maxWord {
			return &definitions.InvalidError{Field: f.name, Reason: fmt.Sprintf("expected at most %d bytes", maxWord)}
		}
	}
	return nil
}

// Validate says what of a request is wrong: somebody has to ask, and say why.
func (a Asked) Validate() error {
	switch {
	case strings.TrimSpace(a.Author) == "":
		return &definitions.InvalidError{Field: "author", Reason: "must be given"}
	case strings.TrimSpace(a.Reason) == "":
		return &definitions.InvalidError{Field: "reason", Reason: "must be given"}
	case (a.Step != "") != (a.Act == saga.ActSkip):
		return &definitions.InvalidError{Field: "step", Reason: fmt.Sprintf("%q: expected a step to skip, and none with another act", a.Step)}
	}
	return a.Bounded()
}

// The reasons why something that an operator asks for is refused.
var (
	ErrPastPivot    = errors.New("the saga is past its pivot, the point of no return")
	ErrCompleted    = errors.New("the saga has completed")
	ErrNothingWaits = errors.New("nothing of the saga waits")
	ErrPaused       = errors.New("the saga is paused")
	ErrEnded        = errors.New("the saga has ended")
	ErrGoesOn       = errors.New("the saga goes on by itself: only one that is stuck or paused can be ended by hand")
	ErrNotDeferred  = errors.New("the saga can't do without the step, or it is done: only a deferrable one that is not can be skipped")
	ErrOtherRequest = errors.New("the key belongs to another request")
	ErrPreviewOld   = errors.New("the saga is not any more what the preview showed")
)

// asking is a request on its way, and where its answer goes.
type asking struct {
	Asked
	reply chan acted
}

// acted is what came of it.
type acted struct {
	what ruling
	err  error
}

// asked is what a record of an operator says.
func (r Record) asked() Asked {
	if r.Asked == nil {
		return Asked{Act: saga.ActRollback}
	}
	return *r.Asked
}

// operated takes what an operator asked of the whole saga.
func (s *State) operated(r Record) {
	a := s.remember(r)
	by := &saga.ByHand{At: r.At, Author: a.Author, Reason: a.Reason}
	switch a.Act {
	case saga.ActRollback:
		s.Operator = true
	case saga.ActPause:
		s.Paused = by
	case saga.ActResume:
		s.Paused = nil
	case saga.ActEnd:
		s.ByHand, s.Paused = by, nil
	default: // a retry leaves nothing behind
	}
	s.all = newOverview(s)
}

// remember keeps a request's key.
func (s *State) remember(r Record) Asked {
	a := r.asked()
	if a.Key != "" {
		if s.asked == nil {
			s.asked = map[string]Asked{}
		}
		s.asked[a.Key] = a
	}
	return a
}

// act decides what an operator asks for, and returns the reply to give when that is durable.
func (r *run) act(records *[]Record, a *asking) func() {
	what, err := r.state.decide(a.Asked, r.waits())
	if what == changes {
		rec := Record{Kind: RecordOperator, At: r.e.now(), Asked: &a.Asked}
		if a.Act == saga.ActSkip {
			rec.Step, rec.Direction = r.state.Def.StepIndex(a.Step), saga.Action
		}
		r.take(records, rec)
	}
	return func() {
		if err == nil {
			r.follow(a.Asked, what)
		}
		a.reply <- acted{what, err}
	}
}

// follow does what follows from a request beside what the state says.
func (r *run) follow(a Asked, what ruling) {
	if what == changes {
		r.e.log.Info("an operator asks", "saga", r.state.Def.ID, "act", string(a.Act), "step", a.Step, "author", a.Author, "reason", a.Reason)
		if a.Act == saga.ActRetry && r.e.rules.Hurries(r.state) {
			r.hurry()
		}
	}
	r.e.rules.Acted(r.e, r.state, a, what == changes)
}

// Operate asks something of a saga, as an operator would. It returns when that is durable.
// Changed: it was not so before, or this is the request, sent again, that made it so. The error is
// ErrNotFound, ErrQuarantined, ErrUnavailable, or one of the reasons above.
func (e *Executor) Operate(ctx context.Context, id string, a Asked) (changed bool, err error) {
	f, err := e.readable(ctx, id)
	if err != nil {
		return false, err
	}
	m := message{operator: &asking{a, make(chan acted, 1)}}
	r := f.run
	if r == nil || !r.inbox.post(m) {
		what, err := f.view.decide(a)
		if err != nil || what != changes {
			return what == repeats, err
		}
		if r, err = e.wake(ctx, id, m); err != nil {
			return false, err
		}
	}
	done, err := e.answer(ctx, r, m.operator.reply)
	return done != asItWas, err
}

func (e *Executor) answer(ctx context.Context, r *run, reply <-chan acted) (ruling, error) {
	ctx, cancel := context.WithTimeout(ctx, submitPatience)
	defer cancel()
	select {
	case a := <-reply:
		return a.what, a.err
	case <-r.ctx.Done():
		select { // the saga may have ended with the answer
		case a := <-reply:
			return a.what, a.err
		default:
			return asItWas, ErrClosed
		}
	case <-ctx.Done():
		return asItWas, unavailable("not durable yet: it may still happen")
	}
}

// wake has a saga at which nobody works any more, since nothing could happen to it by itself, take a
// message.
func (e *Executor) wake(ctx context.Context, id string, m message) (*run, error) {
	e.waking.Lock() // so that what is read is what was written last
	defer e.waking.Unlock()
	e.mu.Lock()
	k := e.sagas[id]
	e.mu.Unlock()
	if k != nil && k.isReady() && k.run != nil && k.run.inbox.post(m) {
		return k.run, nil
	}
	l, err := e.load(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case l.state == nil:
		return nil, ErrNotFound
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ctx.Err() != nil { // Close waits for all that was started before
		return nil, ErrClosed
	}
	k = &known{ready: make(chan struct{}), run: newRun(e, l.state, l.commits), trace: l.state.trace, weight: openSize(l.state.Def)}
	k.run.shown = l.state.status()
	k.run.inbox.post(m)
	close(k.ready)
	e.cache.remove(id)
	delete(e.shelf, id)
	e.sagas[id] = k
	e.open += k.weight
	e.breakers.hold(l.state.Def)
	e.spawn(func() {
		defer e.retire(l.state.Def, k)
		k.run.guard(func() { _ = k.run.loop(nil, func() {}) }) // it has said what is wrong
	})
	return k.run, nil
}

// Compensate asks for the rollback of a saga for nobody in particular.
func (e *Executor) Compensate(ctx context.Context, id string) error {
	_, err := e.Operate(ctx, id, Asked{Act: saga.ActRollback})
	return err
}

// RetryNow ends the waits of a saga for nobody in particular: what waits for its next
// attempt, by its policy or by a Retry-After, makes it at once. It counts as any other.
func (e *Executor) RetryNow(ctx context.Context, id string) error {
	_, err := e.Operate(ctx, id, Asked{Act: saga.ActRetry})
	return err
}

// waits tells whether some operation waits for its next attempt.
func (r *run) waits() bool {
	for _, o := range r.under {
		if o.asleep.Load() {
			return true
		}
	}
	return false
}

// hurry ends the waits of the operations that are waiting.
func (r *run) hurry() {
	for _, o := range r.under {
		select {
		case o.hurry <- struct{}{}:
		default: // it is not waiting
		}
	}
}

// readable is find of a saga that can be read. The error may be ErrQuarantined, too.
func (e *Executor) readable(ctx context.Context, id string) (found, error) {
	f, err := e.find(ctx, id)
	if err == nil && f.broken != nil {
		err = ErrQuarantined
	}
	return f, err
}
