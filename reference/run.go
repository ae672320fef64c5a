package reference

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// run is one open saga. A single goroutine turns what happened into records, commits them together
// with the intents that follow, and only then shows the state and lets calls leave.
type run struct {
	e       *Executor
	ctx     context.Context // ends with the executor, or when the saga is quarantined
	stop    context.CancelFunc
	state   *State
	trace   Trace
	commits int
	under   map[Ref]*operation // under way
	again   nextWait
	inbox   inbox
	view    view
	shown   saga.Status           // the last that was logged
	broken  atomic.Pointer[error] // why it is quarantined
}

func newRun(e *Executor, s *State, commits int) *run {
	r := &run{
		e: e, state: s, trace: s.Trace(), commits: commits, under: map[Ref]*operation{},
		inbox: inbox{ready: make(chan struct{}, 1)}, view: view{s: s.clone()},
	}
	r.ctx, r.stop = context.WithCancel(e.ctx)
	return r
}

// loop runs the saga until nothing will happen to it any more, or the executor
// closes. The records given are what opens it: its acceptance, or what a
// recovery found. started is called when they are durable. The error is why the
// work ended before the saga did.
func (r *run) loop(opening []Record, started func()) error {
	defer r.stop()
	records, replies := opening, []func(){started}
	for {
		r.endSpent(&records)
		r.nextRound(&records)
		r.cancelUnwanted()
		starts := r.starts(&records)
		if len(records) > 0 {
			if err := r.commit(records); err != nil {
				r.giveUp(starts, err)
				return err
			}
		}
		r.observe(records)               // before anybody can ask: what is said of a saga is counted
		r.e.reconciler.begin(r, records) // before anybody can take an intent for one of an earlier life
		r.view.apply(records)
		r.e.reconciler.note(r, records)
		for _, reply := range replies {
			reply()
		}
		r.logStatus()
		for _, o := range starts {
			r.e.spawn(func() { r.guard(o.loop) })
		}
		if r.state.Quiet() && r.inbox.close() {
			return nil
		}
		msgs, err := r.inbox.take(r.ctx)
		if err != nil {
			return err
		}
		records, replies = r.digest(msgs)
	}
}

// digest takes messages into the state. It returns the records to commit and the
// replies to give after that.
func (r *run) digest(msgs []message) (records []Record, replies []func()) {
	for _, m := range msgs {
		switch {
		case m.fact != nil && !r.stale(m):
			r.take(&records, *m.fact)
			if again := m.fact.Kind == RecordOutcome && m.fact.Answer == saga.Transient && !m.fact.Exhausted; again && r.e.rules.Spent(r.state, m.fact.ref(), m.due) {
				r.take(&records, r.ended(m.fact.ref()))
			}
		case m.operator != nil:
			replies = append(replies, r.act(&records, m.operator))
		case m.holds != nil:
			r.takeHolding(&records, *m.holds)
		case m.sync != nil:
			replies = append(replies, func() { close(m.sync) })
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
func (r *run) take(records *[]Record, rec Record) {
	if err := r.state.apply(rec); err != nil { // the executor's own records always fit
		panic(err)
	}
	*records = append(*records, rec)
}

// starts decides what begins now. First attempts get their intent at once, so
// that it shares the commit with what made them possible.
func (r *run) starts(records *[]Record) []*operation {
	if r.e.draining() {
		return nil
	}
	var ops []*operation
	for _, ref := range r.e.rules.Starts(r.state) {
		if r.under[ref] != nil || r.state.held(ref) {
			continue
		}
		o := newOperation(r, ref)
		r.under[ref] = o
		ops = append(ops, o)
		if r.state.Op(ref).Attempts > 0 || o.breaker != nil || o.op.again() {
			continue
		}
		if _, held, _ := o.heldBy(1); held || o.due.After(r.e.now()) {
			continue
		}
		if r.e.rules.IntentAtOnce && o.occupyAtOnce() {
			o.granted = r.intend(records, o)
		}
	}
	return ops
}

// intend records the intent of the next attempt.
func (r *run) intend(records *[]Record, of *operation) *grant {
	o, ref := r.state.Op(of.ref), of.ref
	intent := Record{
		Kind: RecordIntent, At: r.e.now(), Step: ref.Step, Direction: ref.Dir, Attempt: o.Attempts + 1, Policy: of.op.policy.version,
	}
	var timeout time.Duration
	if !of.op.Call().Retry.Adaptive.IsZero() {
		p := of.op.Retry()
		intent.TimeoutMS, timeout = p.AttemptTimeoutMS, p.AttemptTimeout()
	}
	r.take(records, intent)
	return &grant{attempt: o.Attempts, spared: o.interrupted, first: o.first, limits: r.state.limits(ref), timeout: timeout}
}

// grant answers an operation that wants another attempt: with an intent, or with
// nil when the state does not ask for one any more.
func (r *run) grant(records *[]Record, o *operation) func() {
	none := func() { o.grants <- nil }
	if r.e.draining() || r.under[o.ref] != o {
		return none
	}
	if r.asksFor(o.ref) && r.e.rules.Spent(r.state, o.ref, r.e.now()) {
		r.take(records, r.ended(o.ref))
	}
	if !r.asksFor(o.ref) {
		delete(r.under, o.ref)
		return none
	}
	g := r.intend(records, o)
	return func() { o.grants <- g }
}

// asksFor: the state asks for another attempt of an operation, and nobody holds it.
func (r *run) asksFor(ref Ref) bool { return r.state.wants(ref) && !r.state.held(ref) }

// cancelUnwanted ends the waiting of operations that the state does not ask for
// any more. A call under way is left alone: its answer is wanted.
func (r *run) cancelUnwanted() {
	for ref, o := range r.under {
		if !r.state.Op(ref).Open && !r.asksFor(ref) {
			o.cancel()
			delete(r.under, ref)
		}
	}
}

func (r *run) commit(records []Record) error {
	for i, part := range r.e.rules.Entries(r.state.Def.ID, r.commits, records) {
		r.commits++
		en := entry{saga: r.state.Def.ID, n: r.commits, records: part}
		if i == 0 && r.state.Quiet() && r.state.status().Over() && !afterEnd(records) {
			en.ended = r.e.now()
		}
		if err := r.e.journal.append(r.ctx, en); err != nil {
			return err
		}
	}
	return nil
}
