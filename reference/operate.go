package reference

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// operation is one operation under way: the goroutine that makes its attempts
// and waits between them.
type operation struct {
	run     *run
	ref     Ref
	op      Op
	begun   bool          // its step has, with the version that op follows
	decided bool          // it follows one
	made    int           // attempts
	breaker *breaker      // nil: none
	due     time.Time     // of the next attempt
	asleep  atomic.Bool   // it waits for that, and may be hurried
	slot    bool          // it has one
	token   *bucket       // from which it has taken one that is not used yet; nil: it has none
	granted *grant        // the first attempt's, if it came with the start
	grants  chan *grant   // answers to asks
	hurry   chan struct{} // a wait ends at once: see run.hurry
	waiting context.Context
	cancel  context.CancelFunc // ends the waiting, not a call under way
}

// grant is a durable intent.
type grant struct {
	attempt int
	spared  int       // attempts that count in no budget
	first   time.Time // when the first attempt was intended
	limits  Limits
	timeout time.Duration // of the attempt, if its policy adapts
}

// turn is the result of one turn of the retry loop.
type turn struct {
	again bool
	due   time.Time // of the next turn
}

func newOperation(r *run, ref Ref) *operation {
	o := &operation{run: r, ref: ref, op: r.op(ref), grants: make(chan *grant, 1), hurry: make(chan struct{})}
	with, begun := r.state.Policy(ref.Step)
	o.begun = begun
	o.decide(with)
	st := r.state.Op(ref)
	o.made = st.Attempts
	o.due = o.nextDue(st.Attempts, r.e.now(), st.notBefore)
	if st.Attempts == 0 && ref.Dir == saga.Compensation {
		if at := r.e.rules.Margin(r.state, ref.Step); at.After(o.due) {
			o.due = at
		}
	}
	o.waiting, o.cancel = context.WithCancel(r.ctx)
	return o
}

// loop makes attempts until the operation's outcome is known or its waiting is
// cancelled. The budget is counted in the journal, across restarts.
func (o *operation) loop() {
	defer o.cancel()
	for t := (turn{again: true, due: o.due}); t.again && o.sleep(t.due); {
		t = o.turn(o.run.ctx)
	}
	o.vacate()
}

// sleep waits until a time, or until an operator is in a hurry; false: there is
// nothing to wait for any more. What is waited for before a first attempt is safety, and no
// hurry ends that.
func (o *operation) sleep(due time.Time) bool {
	wait := due.Sub(o.run.e.now())
	if wait <= 0 {
		return o.waiting.Err() == nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	hurry := o.hurry
	if o.made == 0 {
		hurry = nil
	}
	o.asleep.Store(hurry != nil)
	defer o.asleep.Store(false)
	select {
	case <-timer.C:
	case <-hurry:
	case <-o.waiting.Done():
	}
	return o.waiting.Err() == nil
}

// turn makes one attempt, if it still may.
func (o *operation) turn(ctx context.Context) turn {
	now := o.run.e.now
	if o.granted == nil && o.awaitFlags() { // all who waited draw their waits anew
		return turn{again: true, due: o.nextDue(o.made, now(), time.Time{})}
	}
	o.decide(o.op.policy.version)
	if o.breaker.await(o.waiting) != nil || !o.afford() {
		return turn{}
	}
	defer o.refund()
	if t, ok := o.betweenRounds(); !ok {
		return t
	}
	if !o.occupy() {
		return turn{}
	}
	defer o.vacate()
	g := o.ask()
	if g == nil {
		return turn{}
	}
	o.begun, o.made, o.op.timeout = true, g.attempt, g.timeout
	// The store may have taken its time since the grant was decided.
	if until := g.limits.Until; !until.IsZero() && now().After(until) {
		o.withdraw(g, Record{At: now(), Exhausted: true, Layer: LayerBudget})
		return turn{}
	}
	if g.limits.tooLate(g.first, now()) {
		o.withdraw(g, Record{At: now(), Exhausted: true})
		return turn{again: true, due: o.nextDue(g.attempt-1, now(), time.Time{})}
	}
	if flag, held, _ := o.heldBy(g.attempt); held { // since the intent was decided
		o.withdraw(g, Record{At: now(), Flag: flag.Name})
		return turn{again: true}
	}
	done, ok := o.breaker.acquire()
	if !ok || o.run.e.draining() {
		o.withdraw(g, Record{At: now()})
		return turn{again: !ok}
	}
	o.spend(g.attempt)
	left := now()
	a := o.run.e.send(ctx, o.op, g.attempt)
	if ctx.Err() != nil { // closing: an aborted call tells nothing
		return turn{}
	}
	if a.unsent {
		done(NotCounted)
		o.withdraw(g, Record{At: a.At})
		return turn{again: true, due: a.At.Add(shortagePause)}
	}
	o.op.observe(a, a.At.Sub(left))
	done(o.run.e.rules.Passage(o.op.meaning(a), o.breaker.closed()))
	return o.conclude(g, a)
}

// conclude reports an attempt's outcome and says when the next turn is.
func (o *operation) conclude(g *grant, a Answer) turn {
	op, breaker := o.op, o.breaker // of this attempt; the wait is the next one's
	o.decide(op.policy.version)
	due := o.nextDue(g.attempt, a.At, a.NotBefore)
	left := !g.limits.exhausted(g.attempt-g.spared, g.first, due) && (!op.givesUp(a) || g.limits.Endless)
	c := o.run.e.rules.Conclude(op, a, left)
	o.reportDue(due, Record{
		Kind: RecordOutcome, At: a.At, Attempt: g.attempt, Answer: c.Answer, Code: a.Code, NotBefore: a.NotBefore, Exhausted: c.Exhausted,
		Breaker: breaker.snapshot(o.run.e.now()),
	})
	return turn{again: c.Again, due: due}
}

// ask waits for the durable intent of another attempt; nil: there is to be none.
func (o *operation) ask() *grant {
	if g := o.granted; g != nil {
		o.granted = nil
		return g
	}
	if !o.run.inbox.post(message{ask: o}) {
		return nil
	}
	select {
	case g := <-o.grants:
		return g
	case <-o.waiting.Done():
		return nil
	}
}

// withdraw reports that an attempt did not leave after all. A step that has no other has
// not begun.
func (o *operation) withdraw(g *grant, r Record) {
	r.Kind = recWithdrawn
	o.made = g.attempt - 1
	o.begun = g.attempt > 1 || o.ref.Dir == saga.Compensation
	o.report(r)
}

func (o *operation) report(r Record) { o.reportDue(time.Time{}, r) }

// reportDue reports a fact, and when the next attempt is due if it asks for one.
func (o *operation) reportDue(due time.Time, r Record) {
	r.Step, r.Direction = o.ref.Step, o.ref.Dir
	o.run.inbox.post(message{fact: &r, of: o, due: due})
}
