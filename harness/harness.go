package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/scenarios"
	"github.com/sagacheck/sagacheck/wire"
)

// Cell is one run of a scenario under a plan.
type Cell struct {
	// ID is unique among all cells that an orchestrator has ever seen: the ids of
	// its sagas begin with it.
	ID       string
	Scenario string // its name
	Source   Source
	Sagas    int // how many run at once, at least 1
	Plan     faults.Plan
	Profile  participants.Profile
	Seed     uint64
	// Patient: a process of the user's own workflow is killed at a call only when the answer to
	// its start has left it, or does not come soon.
	Patient bool
	// Rules are what the participants decide by; nil: the right ones.
	Rules *participants.Rules
	// timed: only how long its sagas take is asked.
	timed bool
	// rest is called, until it is true, while the cell only waits; ended: its sagas have.
	rest func(ended bool) bool
	// Skip is asked when the cell's turn has come, and says why it need not run; empty: it must.
	// Nil: it must.
	Skip func(Cell) string
}

// Source makes the definitions of a cell's sagas: a scenario, or a stored cell.
type Source interface {
	// Build makes one definition for each id, and the initial values of registers.
	Build(ids []string, address scenarios.Address) ([]saga.Definition, map[string]string)
}

// Result is what became of a cell. Err tells of trouble of the harness or of
// the system under test, not of a judgement; History may then be nil.
type Result struct {
	Cell     Cell
	Asked    string // the id of the cell that was asked for; Cell has another one where it ran again
	History  *history.History
	Path     string // of the stored history; empty: not stored
	Err      error
	Duration time.Duration
	Skipped  string // why the cell was not run, as its Skip said; empty: it was
	// Spoilt: a planned fault did not fire, and the cell is run once more under
	// another id: which of two steps side by side comes first is up to the
	// orchestrator, and a busy machine makes attempts time out that no plan asked for.
	// What it shows counts all the same.
	Spoilt bool
}

// Options say against what and how cells run.
type Options struct {
	// System is shared by all cells without process faults.
	System orchestrators.System
	// Start starts an orchestrator for cells with process faults; nil: such cells
	// end with an error.
	Start func(ctx context.Context) (orchestrators.System, error)
	// Parallel is how many sagas run at once, one cell at least; Processes how many
	// cells with an orchestrator of their own, and Beside how many of these at the most while
	// others wait; 0: Processes.
	Parallel, Processes, Beside int
	// Resting is how many cells more may have an orchestrator of their own in which nothing
	// happens any more, but for the wait for sagas that do not end.
	Resting int
	// Settle is how long after the last fault a saga may take to end.
	Settle time.Duration
	// Quiet is how long the wires must be silent after the sagas have ended, at
	// least; 0: derived from the longest back-off of the scenario. Waits of
	// operations that were attempted count besides.
	Quiet time.Duration
	// Scale multiplies the times of the client that submits, as those of the
	// scenarios' policies were; 0: the pace of the orchestrator.
	Scale float64
	// Alone: each cell has a process of its own while it runs, whatever its plan does.
	Alone bool
	// Again is how often a cell is run again whose planned fault did not fire.
	Again int
	// Dir is where histories are stored; empty: nowhere.
	Dir string
	// Defects of the orchestrator, for the record.
	Defects []string
	// Watch, if not nil, is told of cells while they run, by several goroutines at once.
	Watch Watcher
	// Wire is the pool of addresses; nil: a new one. The harness closes it.
	Wire *wire.Wire
}

// Watcher looks at cells while they run, which wait for it: all that it may do is to note them.
type Watcher interface {
	// Began: a cell runs, and what happens is recorded there.
	Began(c Cell, rec *history.Recorder)
	// Over: it runs no more, and its history is stored, if there is one.
	Over(c Cell)
}

// Harness runs cells. It holds the pool of proxy addresses and the server of the
// participants.
type Harness struct {
	Options
	wire      *wire.Wire
	server    *participants.Server
	readBacks *participants.ReadBacks
	owned     *pool
	limits    limits
	pacer     *pacer
	hurry     atomic.Bool // a run was cut short: nobody waits for orchestrators to end in order
	late      atomic.Pointer[lateCalls]
	apartness sync.RWMutex // held for writing by a cell that must be alone
	asking    sync.Map     // base URL → the client that asks there for status: its connections are kept
}

// New prepares a harness; Close must be called.
func New(o Options) (*Harness, error) {
	if o.Parallel < 1 {
		o.Parallel = 1
	}
	if o.Processes < 1 {
		o.Processes = 1
	}
	if o.Settle <= 0 {
		o.Settle = DefaultSettle
	}
	if o.Dir != "" {
		if err := os.MkdirAll(o.Dir, 0o755); err != nil {
			return nil, fmt.Errorf("folder for histories: %w", err)
		}
	}
	w := o.Wire
	if w == nil {
		w = wire.New()
	}
	disk, err := openDisk()
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	server, err := participants.Serve(w.Resolve)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("server of the participants: %w", err), w.Close())
	}
	readBacks, err := participants.ServeReadBacks()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("server of read-backs: %w", err), w.Close(), server.Close())
	}
	h := &Harness{
		Options: o, wire: w, server: server, readBacks: readBacks, owned: newPool(o.Start), pacer: newPacer(disk),
	}
	h.limits = newLimits(o, &h.pacer.queues)
	h.late.Store(newLateCalls())
	w.Over(h.ofOver)
	return h, nil
}

// DefaultSettle is how long after the last fault a saga may take to end.
const DefaultSettle = 10 * time.Second

// Held tells what kept cells from running at once with others.
func (h *Harness) Held() Held {
	h.pacer.mu.Lock()
	defer h.pacer.mu.Unlock()
	return h.pacer.held
}

// quietPerShared is how many sagas may have ended in cells that only wait for silence, for each that runs: each keeps its
// addresses meanwhile.
const quietPerShared = 4

// limits bound how much runs at once.
type limits struct {
	shared *semaphore.Weighted // sagas on the orchestrator that all cells share
	quiet  *semaphore.Weighted // those that have ended there, in cells that wait for what may come after that
	owned  *lanes              // cells with an orchestrator of their own
	most   int                 // sagas at once
	queues *queues
}

func newLimits(o Options, q *queues) limits {
	owned := &lanes{few: min(cmp.Or(o.Beside, o.Processes), o.Processes), most: o.Processes, mostRest: o.Resting, shared: &q.shared}
	return limits{semaphore.NewWeighted(int64(o.Parallel)), semaphore.NewWeighted(quietPerShared * int64(o.Parallel)), owned, o.Parallel, q}
}

// enter waits until a cell may run. A cell weighs as many sagas as it has: dozens of them at
// once are a load of their own.
func (l limits) enter(ctx context.Context, c Cell, own bool) (place, error) {
	if own {
		defer in(&l.queues.owned)()
		lane, err := l.owned.acquire(ctx)
		return lane, err
	}
	weight := int64(min(max(c.Sagas, 1), l.most))
	waits := in(&l.queues.shared)
	err := l.shared.Acquire(ctx, weight)
	waits()
	l.owned.open()
	return &sharer{of: l.shared, quiet: l.quiet, weight: weight}, err
}

// place is one that a cell has among those that run at once; release must be called.
type place interface {
	release()
	rest(ended bool) bool // frees what it may while the cell only waits; false: not all yet
}

// sharer is the place of a cell among those that share an orchestrator: its sagas are a load to that
// as long as they have not ended.
type sharer struct {
	of, quiet *semaphore.Weighted
	weight    int64
	rests     bool
}

func (s *sharer) release() {
	if s.rests {
		s.quiet.Release(s.weight)
		return
	}
	s.of.Release(s.weight)
}

func (s *sharer) rest(ended bool) bool {
	if !s.rests && ended && s.quiet.TryAcquire(s.weight) {
		s.rests = true
		s.of.Release(s.weight)
	}
	return s.rests
}

// ahead is how many cells are made before they can run, for each that runs, so
// that one kind of cell does not keep the others waiting.
const ahead = 8

// Run runs the cells, Parallel at a time, and calls each, one call at a time, in
// the order in which the cells finish. It ends early when the context does: the
// cells under way are then dropped, and the context's error is returned, with an
// *UnendedError where some do not end soon; or when the
// orchestrator that the cells share goes away: those under way then end with a
// *GoneError, which is returned too.
func (h *Harness) Run(ctx context.Context, cells iter.Seq[Cell], each func(Result)) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if w, ok := h.System.(orchestrators.Watched); ok {
		defer w.Watch(func(how error) { stop(&GoneError{How: how, Shared: true}) })()
	}
	var (
		work    sync.WaitGroup
		results = make(chan Result)
		over    = make(chan struct{}) // nobody takes results any more
		under   = underWay{ids: map[string]bool{}}
		waiting = make(chan struct{}, ahead*(h.Parallel+h.Processes))
	)
	defer close(over)
	go func() {
		defer close(results)
		defer work.Wait()
		for c := range cells {
			select {
			case waiting <- struct{}{}:
			case <-ctx.Done():
				return
			}
			work.Go(func() {
				defer func() { <-waiting }()
				defer under.begin(c.ID)()
				for r := range h.tries(ctx, c) {
					select {
					case results <- r:
					case <-over:
					}
				}
			})
		}
	}()
	err := h.collect(ctx, results, &under, each)
	if ctx.Err() != nil {
		h.Hurry()
	}
	return errors.Join(outcome(ctx), err)
}

// tries runs a cell, and again as long as one of its faults misses, or nobody can say what
// became of its saga.
func (h *Harness) tries(ctx context.Context, c Cell) iter.Seq[Result] {
	return func(yield func(Result) bool) {
		id := c.ID
		for n := 1; ; n++ {
			r := h.RunCell(ctx, c)
			unaskable := new(unaskableError)
			if !c.Patient && errors.As(r.Err, &unaskable) { // what a hasty kill leaves in the dark may be right
				c.ID, c.Patient = id+".patient", true
				r = h.RunCell(ctx, c)
			}
			r.Asked = id
			r.Spoilt = n <= h.Again && (r.Err == nil && !r.AllFired() || errors.As(r.Err, &unaskable))
			if !yield(r) || !r.Spoilt {
				return
			}
			c.ID = fmt.Sprintf("%s.%d", id, n+1)
		}
	}
}

// AllFired tells whether every planned fault of the cell fired; of one without a history it is not known
// that any missed.
func (r Result) AllFired() bool {
	if r.History == nil {
		return true
	}
	fired := map[int]bool{}
	for _, e := range r.History.Events {
		if e.Kind == history.FaultFired && e.Fault != nil {
			fired[*e.Fault] = true
		}
	}
	return len(fired) == len(r.Cell.Plan.Faults)
}

// Time runs cells for the time that their sagas take, one after the other while no other one runs. Nothing is judged
// by them, so nobody waits for what may come after their end.
func (h *Harness) Time(ctx context.Context, cells []Cell) []Result {
	h.apartness.Lock()
	defer h.apartness.Unlock()
	done := make([]Result, len(cells))
	for i, c := range cells {
		c.timed = true
		done[i] = h.RunCell(ctx, c)
	}
	h.ForgetLate()
	return done
}

// RunCell runs one cell, as soon as its kind may, and stores its history.
func (h *Harness) RunCell(ctx context.Context, c Cell) Result {
	r := Result{Cell: c}
	place, err := h.limits.enter(ctx, c, h.owns(c))
	if err != nil {
		r.Err = err
		return r
	}
	defer place.release()
	if c.Skip != nil {
		if r.Skipped = c.Skip(c); r.Skipped != "" {
			return r
		}
	}
	done, err := h.pacer.admit(ctx)
	if err != nil {
		r.Err = err
		return r
	}
	done = sync.OnceFunc(done)
	defer done()
	c.rest = func(ended bool) bool {
		done()
		return place.rest(ended)
	}
	if r.Err = ctx.Err(); r.Err != nil {
		return r
	}
	began := time.Now()
	defer func() { h.over(c) }() // whichever it is then
	r.History, r.Err = h.among(ctx, c)
	if anybodys := new(anybodysError); !c.timed && errors.As(r.Err, &anybodys) && ctx.Err() == nil {
		h.over(c)
		c.ID += ".alone"
		r.Cell = c
		r.History, r.Err = h.apart(ctx, c)
	}
	if r.History != nil && h.Dir != "" && !dropped(ctx, r) {
		r.Path = filepath.Join(h.Dir, c.ID+history.Extension)
		if err := r.History.Save(r.Path); err != nil {
			r.Path, r.Err = "", errors.Join(r.Err, err)
		}
	}
	r.Duration = time.Since(began)
	return r
}

func (h *Harness) over(c Cell) {
	if h.Watch != nil {
		h.Watch.Over(c)
	}
}

// among runs a cell beside others.
func (h *Harness) among(ctx context.Context, c Cell) (*history.History, error) {
	if !c.timed { // which has none beside it
		h.apartness.RLock()
		defer h.apartness.RUnlock()
	}
	return h.observe(ctx, c)
}

// apart runs a cell with no other beside it, and where that can be had with none before it:
// in a process that has run no saga yet nobody else's may call late.
func (h *Harness) apart(ctx context.Context, c Cell) (*history.History, error) {
	h.apartness.Lock()
	defer h.apartness.Unlock()
	if h.Start == nil {
		return h.observe(ctx, c)
	}
	fresh, err := h.Start(ctx)
	return h.observeOn(ctx, c, fresh, err)
}

// owns tells whether a cell gets an orchestrator of its own.
func (h *Harness) owns(c Cell) bool {
	_, shares := c.Source.(Outline) // the addresses of services, with all sagas of a process
	return h.Alone || c.Plan.NeedsProcess() || shares && c.Plan.Refuses()
}

// observe finds the orchestrator for a cell and runs it there.
func (h *Harness) observe(ctx context.Context, c Cell) (*history.History, error) {
	if !h.owns(c) {
		return h.run(ctx, c, h.System, nil)
	}
	own, err := h.owned.take(ctx)
	return h.observeOn(ctx, c, own, err)
}

// observeOn runs a cell on an orchestrator of its own, if there is one. It is nobody's any more
// where what it goes on with would be taken for the next cell's.
func (h *Harness) observeOn(ctx context.Context, c Cell, own orchestrators.System, err error) (*history.History, error) {
	if err != nil {
		return nil, fmt.Errorf("an orchestrator of its own for cell %s: %w", c.ID, err)
	}
	hist, err := h.run(ctx, c, own, own)
	h.owned.give(own, err == nil && !((countsFor(own) || servesOne(own)) && leftOpen(hist)), h.stopLimit())
	return hist, err
}
