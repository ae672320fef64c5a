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

	"github.com/sagacheck/sagacheck/reference/store"
	"github.com/sagacheck/sagacheck/saga"
)

// Options configure an executor.
type Options struct {
	// StoreDSN is a SQLite file, which is made if it is not there, or
	// postgres://… for PostgreSQL. FILE?synchronous=off spares the flush to the
	// disk at each commit: what is durable then survives any end of the process,
	// but not that of the machine.
	StoreDSN string
	// Store, in place of StoreDSN, is one that is open already; the executor closes it.
	Store store.Store
	// Transport carries the calls to participants, wherever they go; nil: over sockets, to
	// Targets only.
	Transport http.RoundTripper
	// Targets are the hosts that calls may go to: host, host:port, *.domain, an IP
	// network as 10.0.0.0/8, or * for any. None: this machine only.
	Targets []string
	// Retain is how long ended sagas are kept; 0: for ever.
	Retain time.Duration
	// ReconcileEvery is how often participants are asked what they hold; 0: never. They are asked about
	// sagas that are open, or ended so long ago at the most: ReconcileFor.
	ReconcileEvery, ReconcileFor time.Duration
	// ReconcileRepair: what the record proves to be undone, and is there again, is undone once more.
	ReconcileRepair bool
	// PolicyFile, if not empty, is a file of policies that comes into force when it
	// changes: see control.go.
	PolicyFile string
	// Rules are what it decides by; nil: DefaultRules, in a shorter way.
	Rules *Rules
	// Logger gets what an operator would want to see; nil: nothing is logged.
	Logger *slog.Logger
	// Observer is told what becomes of sagas; nil: nobody is.
	Observer Observer

	// Lease is how long an owner of a PostgreSQL store that says nothing stays its owner;
	// 0: store.DefaultLease.
	Lease time.Duration
	// Health is told what the store does not do, also while it is being opened; nil: one
	// of the executor's own.
	Health *store.Health
	// Clock tells the time; nil: time.Now.
	Clock func() time.Time

	calls int // at once; 0: as many as there are descriptors for
}

// Executor executes sagas. It is safe for concurrent use.
type Executor struct {
	ctx       context.Context
	cancel    context.CancelFunc
	tasks     sync.WaitGroup
	log       *slog.Logger
	rules     *Rules
	client    *http.Client
	targets   targets
	breakers  breakers
	buckets   buckets
	latencies latencies
	store     store.Store
	journal   *journal
	control   control
	health    *store.Health
	observer  Observer // nil: none

	reconciler reconciler

	slots    slots
	shortage shortage
	now      func() time.Time

	stopping    chan struct{} // closed when no new attempt may begin
	closeOnce   sync.Once
	closed      error
	stopOnce    sync.Once
	quarantined atomic.Int64

	waking sync.Mutex // held by who wakes a saga that is at rest

	mu      sync.Mutex
	sagas   map[string]*known
	cache   cache           // the ended ones among them
	shelf   map[string]Card // of those that have not ended, and are not in memory
	open    int64           // bytes of the others
	lookups lookups
	// forgotten: the store knows sagas that are not in memory.
	forgotten bool
}

// The errors of Submit, Status and Compensate, besides those of validation.
var (
	ErrConflict = errors.New("a saga of this id with another body was accepted before")
	ErrNotFound = errors.New("no saga of this id was accepted")
	ErrClosed   = errors.New("the executor is closed")
)

// Open opens the store, waits until it is this executor's, and continues every open
// saga in it. The executor lives until Close; ctx bounds only the opening.
func Open(ctx context.Context, o Options) (*Executor, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if _, err := CheckTargets(o.Targets); err != nil {
		return nil, err
	}
	if o.Health == nil {
		o.Health = store.NewHealth(o.Logger)
	}
	if o.Store != nil {
		return open(ctx, o.Store, o)
	}
	s, err := store.Open(ctx, store.Options{DSN: o.StoreDSN, Lease: o.Lease, Logger: o.Logger, Health: o.Health})
	if err != nil {
		return nil, err
	}
	return open(ctx, s, o)
}

func open(ctx context.Context, s store.Store, o Options) (*Executor, error) {
	if o.Rules == nil {
		o.Rules = rules
	}
	e := &Executor{
		log: o.Logger, store: s, rules: o.Rules, breakers: breakers{rules: o.Rules, byName: map[string]*breaker{}}, now: o.Clock, observer: o.Observer,
		sagas: map[string]*known{}, stopping: make(chan struct{}), slots: newSlots(o.calls),
	}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	if e.now == nil {
		e.now = time.Now
	}
	e.buckets = buckets{rules: e.rules, now: e.now, began: e.now(), byName: map[string]*bucket{}}
	e.reconciler = newReconciler(o)
	e.latencies.byName = map[string]*latest{}
	var err error
	if e.targets, err = newTargets(o.Targets); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	e.client = newClient(e.targets, o.Transport)
	if e.health = o.Health; e.health == nil {
		e.health = store.NewHealth(e.log)
	}
	e.ctx, e.cancel = context.WithCancel(context.WithoutCancel(ctx))
	e.journal = newJournal(s, e.health, e.rules)
	e.lookups = lookups{spawn: e.spawn, ask: func(ids []string) ([]string, error) {
		within, cancel := context.WithTimeout(e.ctx, readPatience)
		defer cancel()
		return s.Holds(within, ids)
	}}
	e.control.turn, e.control.flags = make(chan struct{}, 1), newFlags()
	if err = e.control.load(ctx, s); err == nil {
		err = e.recount(ctx)
	}
	if err == nil {
		err = e.recover(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("recover: %w", err), e.Close())
	}
	e.spawn(func() { e.journal.write(e.ctx) })
	if o.PolicyFile != "" {
		e.spawn(func() { e.followFile(o.PolicyFile) })
	}
	if o.ReconcileEvery > 0 {
		e.spawn(e.keepAsking)
	}
	if o.Retain > 0 {
		e.spawn(func() { e.forgetOld(o.Retain) })
	}
	return e, nil
}

// Close stops everything at once, as far as participants can tell like a crash:
// what is durable goes on at the next Open.
func (e *Executor) Close() error {
	e.mu.Lock() // Submit starts nothing after this
	e.cancel()
	e.mu.Unlock()
	e.tasks.Wait()
	e.closeOnce.Do(func() { e.closed = e.store.Close() })
	return e.closed
}

// Drain lets the calls under way come to their end, and begins no others, until
// nothing is under way or ctx ends. Sagas that are submitted are refused. Close
// follows.
func (e *Executor) Drain(ctx context.Context) {
	e.stopOnce.Do(func() {
		e.mu.Lock()
		close(e.stopping)
		e.mu.Unlock()
	})
	e.slots.idle(ctx)
	e.mu.Lock()
	var open []*run
	for _, k := range e.sagas {
		if k.isReady() && k.run != nil {
			open = append(open, k.run)
		}
	}
	e.mu.Unlock()
	for _, r := range open { // what came of the calls becomes durable
		done := make(chan struct{})
		if !r.inbox.post(message{sync: done}) {
			continue
		}
		select {
		case <-done:
		case <-r.ctx.Done():
		case <-ctx.Done():
			return
		}
	}
}

func (e *Executor) draining() bool {
	select {
	case <-e.stopping:
		return true
	default:
		return false
	}
}

func (e *Executor) spawn(f func()) { e.tasks.Go(f) }

// Op is an operation of a saga that this executor executes.
func (e *Executor) Op(def saga.Definition, r Ref) Op {
	trace := traceFrom(def.ID, e.traceOf(def.ID))
	return Op{Saga: &def, Ref: r, executor: e, trace: &trace}
}

// Aside runs f beside the work on the saga, which does not wait for it. ctx ends with
// the executor.
func (o Op) Aside(f func(ctx context.Context)) {
	o.executor.spawn(func() { f(o.executor.ctx) })
}

// Status reports a saga's durable state. The error is ErrNotFound, or
// ErrUnavailable for a saga that ended long ago while the store can't be read.
func (e *Executor) Status(id string) (saga.Report, error) {
	f, err := e.find(e.ctx, id)
	if err != nil {
		return saga.Report{}, err
	}
	if f.broken != nil {
		return brokenReport(id, f.view), nil
	}
	report, known := f.view.report()
	if !known {
		return saga.Report{}, ErrNotFound
	}
	return report, nil
}

// found is what is known of a saga: of one that can't be read only why not.
type found struct {
	view   *view
	run    *run // while it is in memory
	broken error
}

// find looks for a saga that was accepted.
func (e *Executor) find(ctx context.Context, id string) (found, error) {
	e.mu.Lock()
	k, forgotten := e.sagas[id], e.forgotten
	e.mu.Unlock()
	if k != nil && k.isReady() && k.err == nil {
		f := found{run: k.run, broken: k.broken}
		if k.run != nil {
			f.view = &k.run.view
			if why := k.run.broken.Load(); why != nil {
				f.broken = *why
			}
		}
		return f, nil
	}
	if forgotten {
		s, err := e.load(ctx, id)
		switch {
		case err != nil:
			return found{}, err
		case s.state != nil:
			return found{view: &view{s: s.state}}, nil
		case s.broken != nil:
			return found{broken: s.broken}, nil
		}
	}
	return found{}, ErrNotFound
}
