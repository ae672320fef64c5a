package reference

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// Options configure an executor.
type Options struct {
	// StoreDSN is a SQLite file, which is made if it is not there, or
	// postgres://… for PostgreSQL. FILE?synchronous=off spares the flush to the
	// disk at each commit: what is durable then survives any end of the process,
	// but not that of the machine.
	StoreDSN string
	// Defects are the names of the planted defects to switch on.
	Defects []string
	// Logger gets what an operator would want to see; nil: nothing is logged.
	Logger *slog.Logger
}

// Executor executes sagas. It is safe for concurrent use.
type Executor struct {
	ctx      context.Context
	cancel   context.CancelFunc
	tasks    sync.WaitGroup
	log      *slog.Logger
	defects  defects
	client   *http.Client
	breakers breakers
	store    store
	journal  *journal

	mu    sync.Mutex
	sagas map[string]*known
	asked atomic.Int64 // status questions
	ended []string     // ids in sagas that have ended, the oldest first
	// forgotten: the store knows sagas that are not in memory.
	forgotten bool
	restarted bool // the store held sagas when it was opened
}

// known is a saga in memory: open, or among the last that have ended.
type known struct {
	ready chan struct{} // closed when the saga is durable, or known not to be
	run   *run          // set before ready is closed
	err   error
}

// keepEnded is how many ended sagas stay in memory; the store knows the others.
const keepEnded = 1024

// The errors of Submit, Status and Compensate, besides those of validation.
var (
	ErrConflict = errors.New("a saga of this id with another body was accepted before")
	ErrNotFound = errors.New("no saga of this id was accepted")
)

// Open opens the store and continues every open saga in it. The executor lives
// until Close; ctx bounds only the opening.
func Open(ctx context.Context, o Options) (*Executor, error) {
	s, err := openStore(ctx, o.StoreDSN)
	if err != nil {
		return nil, err
	}
	return open(ctx, s, o)
}

func open(ctx context.Context, s store, o Options) (*Executor, error) {
	d, err := newDefects(o.Defects)
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	e := &Executor{log: o.Logger, store: s, defects: d, breakers: breakers{defects: d}, client: newClient(), sagas: map[string]*known{}}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	e.ctx, e.cancel = context.WithCancel(context.WithoutCancel(ctx))
	e.journal = newJournal(s, e.log, d)
	if err := e.recover(ctx); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	e.spawn(func() { e.journal.write(e.ctx) })
	return e, nil
}

// Close stops everything at once, as far as participants can tell like a crash:
// what is durable goes on at the next Open.
func (e *Executor) Close() error {
	e.mu.Lock() // Submit starts nothing after this
	e.cancel()
	e.mu.Unlock()
	e.tasks.Wait()
	return e.store.close()
}

func (e *Executor) spawn(f func()) { e.tasks.Go(f) }

// recover replays the store, one saga after the other.
func (e *Executor) recover(ctx context.Context) error {
	var es []entry
	resume := func() error {
		if len(es) == 0 {
			return nil
		}
		s, err := replay(es, e.defects)
		if err == nil {
			e.resume(s, len(es))
		}
		if e.defects.loseWrites() {
			err = nil
		}
		es = nil
		return err
	}
	err := e.store.load(ctx, "", func(en entry) error {
		if len(es) > 0 && es[0].saga != en.saga {
			if err := resume(); err != nil {
				return err
			}
		}
		es = append(es, en)
		return nil
	})
	if err == nil {
		err = resume()
	}
	if err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	return nil
}

// resume continues a saga as its journal left it.
func (e *Executor) resume(s *state, commits int) {
	k := &known{ready: make(chan struct{}), run: newRun(e, s, commits)}
	k.run.publish()
	close(k.ready)
	e.mu.Lock()
	e.sagas[s.def.ID] = k
	e.mu.Unlock()
	e.afterRestart(s)
	if s.quiet() || e.defects.on("no-recovery") {
		k.run.inbox.close()
		e.retire(s.def.ID)
		return
	}
	e.spawn(func() {
		var opening []record
		for _, rec := range s.recover(time.Now()) {
			k.run.take(&opening, rec)
		}
		k.run.loop(e.ctx, opening, func() {})
		e.retire(s.def.ID)
	})
}

// afterRestart holds the planted defects that do done work again. Without them
// it does nothing.
func (e *Executor) afterRestart(s *state) {
	if !e.restarted { // before anything runs
		e.restarted = true
	}
	for i := range s.def.Steps {
		a, u := &s.actions[i], &s.undos[i]
		a.replayed, u.replayed = a.attempts, u.attempts
		if a.done() && !s.failing() && e.defects.on("rerun-done-steps") {
			e.stray(s.def, ref{i, saga.Action}, "run-2")
		}
		if u.done() && e.defects.on("compensate-again-after-restart") {
			e.stray(s.def, ref{i, saga.Compensation}, "run-2")
		}
	}
}

// stray makes a call that no intent stands for, under a key of its own.
func (e *Executor) stray(def saga.Definition, r ref, by string) {
	e.spawn(func() { e.send(e.ctx, def, r, 1, by) })
}

// retire lets go of the oldest ended sagas.
func (e *Executor) retire(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ended = append(e.ended, id)
	if e.defects.on("forget-ended") {
		delete(e.sagas, id)
	}
	if len(e.ended) > keepEnded {
		delete(e.sagas, e.ended[0])
		e.ended = e.ended[1:]
		e.forgotten = true
	}
}

// Submit accepts a saga. When it returns nil the saga is durable and will end.
// The same definition again is accepted and changes nothing; another one under
// the same id is refused with ErrConflict.
func (e *Executor) Submit(ctx context.Context, def saga.Definition) error {
	if err := validate(def); err != nil {
		return err
	}
	e.mu.Lock()
	if e.ctx.Err() != nil {
		e.mu.Unlock()
		return ErrClosed
	}
	k := e.sagas[def.ID]
	if k != nil && e.defects.on("rerun-on-resubmit") {
		for i := range def.Steps {
			e.stray(def, ref{i, saga.Action}, "run-2")
		}
	}
	if k == nil {
		k = &known{ready: make(chan struct{})}
		e.sagas[def.ID] = k
		e.spawn(func() { e.accept(k, def, e.forgotten) })
	}
	e.mu.Unlock()
	if err := k.await(ctx); err != nil {
		return err
	}
	return sameDefinition(k.run.state.def, def)
}

func (k *known) await(ctx context.Context) error {
	select {
	case <-k.ready:
		return k.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// accept makes a saga durable and runs it, unless the store knows it already.
func (e *Executor) accept(k *known, def saga.Definition, forgotten bool) {
	defer e.retire(def.ID)
	settle := sync.OnceFunc(func() { close(k.ready) })
	defer settle()
	if forgotten {
		s, commits, err := e.load(def.ID)
		if err != nil || s != nil {
			if k.err = err; err == nil {
				k.run = newRun(e, s, commits)
				k.run.publish()
				k.run.inbox.close()
			}
			return
		}
	}
	k.run = newRun(e, newState(def, e.defects), 0)
	k.err = ErrClosed
	k.run.loop(e.ctx, []record{{Kind: recAccepted, At: time.Now(), Definition: &def}}, func() {
		k.err = nil
		settle()
	})
}

// load reads a saga that memory has let go of; nil if the store has none.
func (e *Executor) load(id string) (*state, int, error) {
	var es []entry
	err := e.store.load(e.ctx, id, func(en entry) error {
		es = append(es, en)
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	s, err := replay(es, e.defects)
	return s, len(es), err
}

// find gives the durable state of a saga, and its run while it is in memory.
func (e *Executor) find(id string) (*state, *run, error) {
	e.mu.Lock()
	k, forgotten := e.sagas[id], e.forgotten
	e.mu.Unlock()
	if k != nil {
		select {
		case <-k.ready:
			if k.err == nil {
				return k.run.view.Load(), k.run, nil
			}
		default: // not durable yet
		}
	}
	if forgotten {
		if s, _, err := e.load(id); s != nil || err != nil {
			return s, nil, err
		}
	}
	return nil, nil, ErrNotFound
}

// Status reports a saga's durable state. The error is ErrNotFound, or the
// store's for a saga that ended long ago.
func (e *Executor) Status(id string) (saga.Report, error) {
	s, _, err := e.find(id)
	if err != nil {
		return saga.Report{}, err
	}
	if e.defects.on("stale-status") && e.asked.Add(1)%2 == 0 {
		return newState(s.def, nil).report(), nil
	}
	return s.report(), nil
}

// Compensate asks for the rollback of a saga, as an operator would. It returns
// nil when the request is durable, or when the saga is on its way back anyway;
// ErrPastPivot or ErrCompleted when it is too late; or ErrNotFound.
func (e *Executor) Compensate(ctx context.Context, id string) error {
	s, r, err := e.find(id)
	if err != nil {
		return err
	}
	reply := make(chan error, 1)
	if r == nil || !r.inbox.post(message{operator: reply}) {
		if r != nil {
			s = r.view.Load()
		}
		return s.operatorMay()
	}
	select {
	case err := <-reply:
		return err
	case <-e.ctx.Done():
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}
