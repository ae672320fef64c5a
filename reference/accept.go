package reference

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/reference/definitions"
	"github.com/sagacheck/sagacheck/reference/store"
	"github.com/sagacheck/sagacheck/saga"
)

// known is a saga in memory: open, or among the last that have ended.
type known struct {
	ready  chan struct{} // closed when the saga is durable, or known not to be
	run    *run          // set before ready is closed
	broken error         // set before ready is closed: it can't be read
	stored bool          // set before ready is closed: it was accepted in an earlier life, or long ago
	err    error
	trace  string
	weight int64 // in memory, while it is open
	rest   *Card // when it has come to rest without having ended
}

func (k *known) isReady() bool {
	select {
	case <-k.ready:
		return true
	default:
		return false
	}
}

// submitPatience is how long a client waits for a saga to become durable: an answer
// in time is better than one that nobody waits for any more.
const submitPatience = 2 * time.Second

// maxOpenBytes bounds what the sagas that are open at once take in memory.
const maxOpenBytes = 256 << 20

// Submit accepts a saga. When it returns nil the saga is durable and will end.
// The same definition again is accepted and changes nothing; another one under
// the same id is refused with ErrConflict. After ErrUnavailable the same may be
// tried again. Nobody may change the definition any more, refused or not.
func (e *Executor) Submit(ctx context.Context, def saga.Definition) error {
	return e.SubmitTraced(ctx, def, "")
}

// SubmitTraced accepts a saga as Submit does, whose client has a trace of its own: a
// traceparent (W3C trace context). Anything else is kept nowhere.
func (e *Executor) SubmitTraced(ctx context.Context, def saga.Definition, trace string) error {
	if !validTrace(trace) {
		trace = ""
	}
	if err := definitions.Validate(def); err != nil {
		return err
	}
	if err := e.targets.allow(def); err != nil {
		return err
	}
	weight := openSize(def)
	e.mu.Lock()
	k := e.sagas[def.ID]
	again := k != nil
	if !again {
		if err := e.mayAccept(def, weight); err != nil {
			e.mu.Unlock()
			return err
		}
		k = &known{ready: make(chan struct{}), trace: trace, weight: weight}
		e.sagas[def.ID] = k
		e.open += k.weight
		forgotten := e.forgotten
		e.spawn(func() { e.accept(k, def, forgotten) })
	}
	e.mu.Unlock()
	if err := k.await(ctx); err != nil {
		return err
	}
	if k.run == nil {
		return ErrQuarantined
	}
	if again || k.stored {
		return e.rules.Resubmit(e, *k.run.state.first, def)
	}
	return nil
}

// mayAccept tells whether a saga that is not in memory may be taken in.
func (e *Executor) mayAccept(def saga.Definition, weight int64) error {
	switch {
	case e.ctx.Err() != nil:
		return ErrClosed
	case e.draining():
		return unavailable("it is about to end")
	case e.store.Owned() != nil:
		return unavailable("another executor owns the store, or may")
	case e.health.Serious() != "":
		return unavailable("can't " + e.health.Serious())
	case e.open+weight > maxOpenBytes:
		return unavailable("too many sagas are open")
	}
	if err := e.refusesSagas(def.ID); err != nil {
		return err
	}
	return e.breakers.claim(def)
}

func (k *known) await(ctx context.Context) error {
	timer := time.NewTimer(submitPatience + submitPatience/4) // what is taken back is so by then
	defer timer.Stop()
	select {
	case <-k.ready:
		return k.err
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return unavailable("not durable yet: send the saga again")
	}
}

// accept makes a saga durable and runs it, unless the store knows it already.
func (e *Executor) accept(k *known, def saga.Definition, forgotten bool) {
	defer e.retire(def, k)
	k.err = ErrClosed
	settle := sync.OnceFunc(func() { close(k.ready) })
	defer func() {
		if !k.isReady() {
			e.forget(def.ID) // it was not accepted: the next one is as good
		}
		settle()
	}()
	if forgotten && !e.isNew(k, def.ID) {
		if k.err == nil {
			settle()
		}
		return
	}
	if k.err = e.control.versions.know(def); k.err != nil {
		return
	}
	k.err = ErrClosed
	s := newState(def, e.rules)
	s.trace, s.versions, s.accepted = k.trace, &e.control.versions, e.now()
	k.run = newRun(e, s, 0)
	k.run.guard(func() {
		err := k.run.loop([]Record{{Kind: recAccepted, At: s.accepted, Definition: &def, Trace: k.trace}}, func() {
			k.err = nil
			settle()
		})
		if !k.isReady() {
			k.err = e.outward(def.ID, err)
		}
	})
}

// isNew looks in the store for a saga that may have left memory. Not new: what is there, or
// why that is not known, is in k.
func (e *Executor) isNew(k *known, id string) bool {
	stored, err := e.knows(e.ctx, id)
	if err != nil || !stored {
		k.err = err
		return err == nil
	}
	l, err := e.load(e.ctx, id)
	if k.err = err; err != nil {
		return false
	}
	if k.broken = l.broken; !l.known() {
		return true // it was removed in between
	}
	k.stored = true
	if l.state != nil {
		k.run = newRun(e, l.state, l.commits)
		k.run.stop()
		k.run.inbox.close()
	}
	return false
}

// outward is an error as the client may see it.
func (e *Executor) outward(id string, err error) error {
	var refused *store.RefusedError
	switch {
	case err == nil:
		return ErrClosed
	case errors.As(err, &refused):
		e.log.Error("the store refuses a saga", "saga", id, "error", err)
		return unavailable("the store refuses this saga")
	}
	return err
}

// forget takes a saga out of memory.
func (e *Executor) forget(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.sagas, id)
}

// retire counts a saga among those on which nobody works any more, and lets go of
// the oldest.
func (e *Executor) retire(def saga.Definition, k *known) {
	e.breakers.release(def)
	rest := k.restCard()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.open -= k.weight
	if e.sagas[def.ID] != k {
		return
	}
	if k.run != nil && k.run.broken.Load() != nil {
		return // it stays in sight
	}
	k.rest = rest
	delete(e.shelf, def.ID)
	for _, id := range e.cache.add(def.ID, sizeOf(def)) {
		e.letGo(id)
	}
}
