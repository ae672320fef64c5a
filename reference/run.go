package reference

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// run is one open saga. A single goroutine turns what happened into records,
// commits them together with the intents that follow, and only then publishes
// the state and lets calls leave.
type run struct {
	e       *Executor
	state   *state
	commits int
	under   map[ref]*operation // under way
	inbox   inbox
	view    atomic.Pointer[state] // a copy of the durable state
	held    []record              // not committed yet (accept-in-memory)
}

// message is something that happened: facts to record, or a question that is
// answered when the answer is durable.
type message struct {
	fact     *record
	ask      *operation // wants an intent
	operator chan error // wants the rollback
}

// inbox is an unbounded queue, so that whoever reports a fact never waits for
// the store.
type inbox struct {
	mu     sync.Mutex
	queue  []message
	closed bool
	ready  chan struct{}
}

// post queues a message; false means that the saga is over.
func (b *inbox) post(m message) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.queue = append(b.queue, m)
	select {
	case b.ready <- struct{}{}:
	default:
	}
	return true
}

// take waits for messages and returns all there are.
func (b *inbox) take(ctx context.Context) ([]message, error) {
	for {
		b.mu.Lock()
		q := b.queue
		b.queue = nil
		b.mu.Unlock()
		if len(q) > 0 {
			return q, nil
		}
		select {
		case <-b.ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// close ends the inbox if nothing is queued.
func (b *inbox) close() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = b.closed || len(b.queue) == 0
	return b.closed
}

func newRun(e *Executor, s *state, commits int) *run {
	return &run{e: e, state: s, commits: commits, under: map[ref]*operation{}, inbox: inbox{ready: make(chan struct{}, 1)}}
}

// loop runs the saga until nothing will happen to it any more, or the executor
// closes. The records given are what opens it: its acceptance, or what a
// recovery found. started is called when they are durable.
func (r *run) loop(ctx context.Context, opening []record, started func()) {
	records, replies := opening, []func(){started}
	for {
		r.cancelUnwanted()
		starts := r.starts(&records)
		if len(records) > 0 {
			if err := r.commit(ctx, records); err != nil {
				return
			}
		}
		r.publish()
		for _, reply := range replies {
			reply()
		}
		for _, o := range starts {
			r.e.spawn(func() { o.loop(ctx) })
		}
		if r.state.quiet() && r.inbox.close() {
			return
		}
		msgs, err := r.inbox.take(ctx)
		if err != nil {
			return
		}
		records, replies = r.digest(msgs)
	}
}

// digest takes messages into the state. It returns the records to commit and the
// replies to give after that.
func (r *run) digest(msgs []message) (records []record, replies []func()) {
	for _, m := range msgs {
		switch {
		case m.fact != nil:
			r.take(&records, *m.fact)
		case m.operator != nil:
			err := r.state.operatorMay()
			if err == nil && !r.state.failing() {
				r.take(&records, record{Kind: recOperator, At: time.Now()})
			}
			replies = append(replies, func() { m.operator <- err })
		}
	}
	for _, m := range msgs { // in the light of all facts
		if m.ask != nil {
			replies = append(replies, r.grant(&records, m.ask))
		}
	}
	return records, replies
}

// take applies a record and puts it on the list to commit.
func (r *run) take(records *[]record, rec record) {
	if err := r.state.apply(rec); err != nil { // the executor's own records always fit
		panic(err)
	}
	*records = append(*records, rec)
}

// starts decides what begins now. First attempts get their intent at once, so
// that it shares the commit with what made them possible.
func (r *run) starts(records *[]record) []*operation {
	var ops []*operation
	for _, ref := range next(r.state) {
		if r.under[ref] != nil || r.holdsBack(ref) {
			continue
		}
		o := newOperation(r, ref)
		r.under[ref] = o
		ops = append(ops, o)
		if r.state.op(ref).attempts > 0 || o.breaker != nil {
			continue
		}
		if r.e.defects.on("start-twice") {
			r.e.stray(r.state.def, ref, "worker-2")
		}
		if !r.e.defects.on("intents-apart") {
			o.granted = r.intend(records, ref)
		}
	}
	return ops
}

// holdsBack holds the equivalent switches that start things one by one. Without
// them it is false.
func (r *run) holdsBack(start ref) bool {
	for other := range r.under {
		if other.dir != start.dir || r.state.op(other).exhausted {
			continue
		}
		if start.dir == saga.Action && r.e.defects.on("sequential-branches") {
			return true
		}
		if start.dir == saga.Compensation && r.e.defects.on("compensate-one-at-a-time") {
			return true
		}
	}
	return false
}

// intend records the intent of the next attempt.
func (r *run) intend(records *[]record, ref ref) *grant {
	o := r.state.op(ref)
	r.take(records, record{Kind: recIntent, At: time.Now(), Step: ref.step, Direction: ref.dir, Attempt: o.attempts + 1})
	return &grant{attempt: o.attempts, first: o.first, limits: r.state.limits(ref)}
}

// grant answers an operation that wants another attempt: with an intent, or with
// nil when the state does not ask for one any more.
func (r *run) grant(records *[]record, o *operation) func() {
	if r.under[o.ref] != o || !r.state.wants(o.ref) {
		if r.under[o.ref] == o {
			delete(r.under, o.ref)
		}
		return func() { o.grants <- nil }
	}
	g := r.intend(records, o.ref)
	return func() { o.grants <- g }
}

// cancelUnwanted ends the waiting of operations that the state does not ask for
// any more. A call under way is left alone: its answer is wanted.
func (r *run) cancelUnwanted() {
	for ref, o := range r.under {
		if !r.state.op(ref).open && !r.state.wants(ref) {
			o.cancel()
			delete(r.under, ref)
		}
	}
}

func (r *run) commit(ctx context.Context, records []record) error {
	if r.commits == 0 && r.e.defects.on("accept-in-memory") && r.held == nil {
		r.held = records
		return nil
	}
	records = append(r.held, records...)
	r.held = nil
	r.commits++
	if err := r.e.journal.append(ctx, entry{saga: r.state.def.ID, n: r.commits, records: records}); err != nil {
		return err
	}
	if r.e.defects.on("extra-checkpoints") {
		r.commits++
		return r.e.journal.append(ctx, entry{saga: r.state.def.ID, n: r.commits})
	}
	return nil
}

// publish shows the durable state to those who ask.
func (r *run) publish() {
	c := *r.state
	c.actions, c.undos = slices.Clone(c.actions), slices.Clone(c.undos)
	r.view.Store(&c)
}

// recover says what a journal leaves open: an intent without an outcome is an
// attempt whose outcome is unknown.
func (s *state) recover(now time.Time) []record {
	var records []record
	for i := range s.def.Steps {
		for _, r := range [...]ref{{i, saga.Action}, {i, saga.Compensation}} {
			o := s.op(r)
			if s.believedDone(r) {
				records = append(records, s.believe(r, now)...)
				continue
			}
			if !o.open {
				continue
			}
			lo, _ := s.call(r).Retry.Band(o.attempts + 1)
			records = append(records, record{
				Kind: recOutcome, At: now, Step: r.step, Direction: r.dir, Attempt: o.attempts, Answer: saga.Transient,
				Exhausted: s.limits(r).exhausted(o.attempts, o.first, now.Add(lo)),
			})
		}
	}
	return records
}

// believedDone holds the planted defects in which a restart takes for done what
// was not. Without them it is false.
func (s *state) believedDone(r ref) bool {
	if s.op(r).settled() {
		return false
	}
	if r.dir == saga.Compensation {
		return s.failing() && s.needsUndo(r.step) && s.defects.on("interrupted-compensation-is-done")
	}
	interrupted := func(i int) bool { return s.actions[i].open }
	return (interrupted(r.step) || slices.ContainsFunc(s.graph.before[r.step], interrupted)) &&
		s.defects.on("interrupted-action-is-done")
}

// believe writes down that an operation is done.
func (s *state) believe(r ref, now time.Time) []record {
	rec := record{Kind: recOutcome, At: now, Step: r.step, Direction: r.dir, Attempt: s.op(r).attempts, Answer: saga.Done}
	if s.op(r).open {
		return []record{rec}
	}
	rec.Attempt++
	intent := rec
	intent.Kind, intent.Answer = recIntent, ""
	return []record{intent, rec}
}

// The reasons why the rollback that an operator asks for is refused.
var (
	ErrPastPivot = errors.New("the saga is past its pivot, the point of no return")
	ErrCompleted = errors.New("the saga has completed")
)

// operatorMay tells whether an operator may still ask for the rollback. A pivot
// under way may already have happened: too late.
func (s *state) operatorMay() error {
	for i, st := range s.def.Steps {
		if o := &s.actions[i]; st.Kind == saga.Pivot && (o.done() || o.attempts > 0 && !o.refused() && !s.failing()) {
			return ErrPastPivot
		}
	}
	if s.status() == saga.Completed {
		return ErrCompleted
	}
	return nil
}
