package reference

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sagacheck/sagacheck/reference/store"
	"github.com/sagacheck/sagacheck/saga"
)

// loaded is a saga as the store has it; the zero value: it has none.
type loaded struct {
	state   *State
	commits int
	broken  error // it has one that can't be read
}

func (l loaded) known() bool { return l.state != nil || l.broken != nil }

// readPatience bounds a question to the store for one saga.
const readPatience = 2 * time.Second

// load reads a saga that memory has let go of. The error is ErrUnavailable.
func (e *Executor) load(ctx context.Context, id string) (l loaded, err error) {
	err = e.reading(ctx, id, func(within context.Context) (err error) {
		l, err = e.read(within, id)
		return err
	})
	return l, err
}

// knows tells whether the store holds a saga. The error is ErrUnavailable.
func (e *Executor) knows(ctx context.Context, id string) (known bool, err error) {
	err = e.reading(ctx, id, func(within context.Context) (err error) {
		known, err = e.lookups.known(within, id)
		return err
	})
	return known, err
}

// reading asks the store something about a saga, and tells the health whether it answers.
func (e *Executor) reading(ctx context.Context, id string, ask func(within context.Context) error) error {
	within, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	err := ask(within)
	if err == nil {
		e.health.Well(store.Reading)
		return nil
	}
	if ctx.Err() == nil && e.health.Trouble(store.Reading, err) {
		e.mu.Lock()
		if e.ctx.Err() == nil { // Close waits for all that was started before
			e.spawn(func() { e.awaitReading(id) })
		}
		e.mu.Unlock()
	}
	return unavailable("can't " + store.Reading)
}

// readingPause is the wait before a read that failed is tried again.
const readingPause = time.Second

// awaitReading finds out when reading is possible again, whether or not anybody asks.
func (e *Executor) awaitReading(id string) {
	for {
		select {
		case <-time.After(readingPause):
		case <-e.ctx.Done():
			return
		}
		ctx, cancel := context.WithTimeout(e.ctx, readPatience)
		_, err := e.read(ctx, id)
		cancel()
		if err == nil {
			e.health.Well(store.Reading)
			return
		}
	}
}

func (e *Executor) read(ctx context.Context, id string) (loaded, error) {
	var es []entry
	err := e.store.Load(ctx, id, decoded(func(en entry) error {
		es = append(es, en)
		return nil
	}))
	if err != nil {
		return loaded{}, err
	}
	s, err := replaySafely(es, e.rules)
	if err == nil && s != nil {
		s.versions = &e.control.versions
		s.rebase(e.now())
	}
	return loaded{state: s, commits: len(es), broken: err}, nil
}

// replaySafely turns a panic over what a damaged journal says into an error.
func replaySafely(es []entry, rules *Rules) (s *State, err error) {
	defer func() {
		if p := recover(); p != nil {
			s, err = nil, fmt.Errorf("panic: %v", p)
		}
	}()
	return replay(es, rules)
}

// errNoEntries is what is wrong with a saga that the store lists without a journal.
var errNoEntries = errors.New("it has no entries")

// recover continues what the store holds, one saga after the other. A saga that
// can't be read keeps none of the others from going on.
func (e *Executor) recover(ctx context.Context) error {
	states, err := e.store.Breakers(ctx)
	if err != nil {
		return err
	}
	for _, s := range decodeBreakers(states) {
		e.breakers.restore(s, e.now())
	}
	ids, any, err := e.store.Open(ctx)
	if err != nil {
		return err
	}
	e.forgotten = any
	if len(ids) == 0 && !any { // nothing has been spent
		e.buckets.began = time.Time{}
	}
	for _, id := range ids {
		l, err := e.read(ctx, id)
		switch {
		case err != nil && (ctx.Err() != nil || !store.IsDamage(err)):
			return err
		case err != nil:
			l.broken = err
		case !l.known():
			l.broken = errNoEntries
		}
		switch {
		case l.broken != nil && !e.rules.Unreadable(id, l.broken):
		case l.broken != nil:
			e.isolate(id, l.broken)
		case l.state != nil:
			e.resume(l.state, l.commits)
		}
	}
	return nil
}

// resume continues a saga as its journal left it.
func (e *Executor) resume(s *State, commits int) {
	k := &known{ready: make(chan struct{}), run: newRun(e, s, commits), trace: s.trace, weight: openSize(s.Def)}
	k.run.shown = saga.Running // a kill may have come before more was said: it is said again
	close(k.ready)
	e.breakers.hold(s.Def)
	e.mu.Lock()
	e.sagas[s.Def.ID] = k
	e.open += k.weight
	e.mu.Unlock()
	if !e.rules.Continue(e, s) || s.Quiet() && !s.status().Over() {
		k.run.stop()
		k.run.inbox.close()
		e.retire(s.Def, k)
		return
	}
	e.log.Info("saga continued", "saga", s.Def.ID, "status", string(s.status()))
	e.spawn(func() {
		defer e.retire(s.Def, k)
		k.run.guard(func() {
			if s.Quiet() { // its end is not written down
				k.run.inbox.close()
				if k.run.commit(nil) == nil {
					k.run.logStatus()
				}
				return
			}
			var opening []Record
			for _, rec := range s.recover(e.now()) {
				k.run.take(&opening, rec)
			}
			k.run.logInterrupted(opening)
			_ = k.run.loop(opening, func() {}) // it has said what is wrong
		})
	})
}

// forgetOld removes what ended long ago, now and then, until the executor closes.
func (e *Executor) forgetOld(retain time.Duration) {
	const again = 5 * time.Second
	for {
		pause := min(max(retain/10, time.Second), time.Hour)
		for {
			n, err := e.store.Prune(e.ctx, e.now().Add(-retain), e.fold())
			if err != nil && e.ctx.Err() == nil {
				e.health.Trouble(store.Removing, err)
				pause = min(pause, again)
			} else {
				e.health.Well(store.Removing)
			}
			if n == 0 || err != nil {
				break
			}
			e.log.Info("old sagas removed", "sagas", n)
		}
		select {
		case <-time.After(pause):
		case <-e.ctx.Done():
			return
		}
	}
}

// Began is when the last attempt of an operation began; zero: there was none.
func (s *State) Began(r Ref) time.Time { return s.Op(r).began }

// CutShort is how many attempts ends of the executor have cut short, in the round that is under way.
func (s *State) CutShort() (n int) {
	for i := range s.Actions {
		n += s.Actions[i].interrupted + s.Undos[i].interrupted
	}
	return n
}
