package reference

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// operation is one operation under way: the goroutine that makes its attempts
// and waits between them.
type operation struct {
	run     *run
	ref     Ref
	call    saga.Call
	breaker *breaker      // nil: none
	made    int           // attempts made before, in an earlier life
	due     time.Time     // of the next one, if some were made before
	slot    bool          // it has one
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
}

// turn is the result of one turn of the retry loop.
type turn struct {
	again bool
	due   time.Time // of the next turn
}

func newOperation(r *run, ref Ref) *operation {
	o := &operation{run: r, ref: ref, call: r.state.call(ref), grants: make(chan *grant, 1), hurry: make(chan struct{})}
	o.breaker = r.e.breakers.get(o.call.Breaker, r.state.Def.ID)
	st := r.state.Op(ref)
	if o.made = st.Attempts; o.made > 0 {
		o.due = o.nextDue(st.Attempts, r.e.now(), st.notBefore)
	}
	o.waiting, o.cancel = context.WithCancel(r.ctx)
	return o
}

// loop makes attempts until the operation's outcome is known or its waiting is
// cancelled. The budget is counted in the journal, across restarts.
func (o *operation) loop() {
	defer o.cancel()
	if o.made == 0 && o.run.e.defects.on("unhurried-start") {
		time.Sleep(5 * time.Millisecond)
	}
	if o.made == 0 && o.run.e.defects.slowRollback() {
		time.Sleep(slowStart)
	}
	for t := (turn{again: true, due: o.due}); t.again && o.sleep(t.due); {
		t = o.turn(o.run.ctx)
	}
	o.vacate()
}

// sleep waits until a time, or until an operator is in a hurry; false: there is
// nothing to wait for any more.
func (o *operation) sleep(due time.Time) bool {
	timer := time.NewTimer(due.Sub(o.run.e.now()))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-o.hurry:
	case <-o.waiting.Done():
	}
	return o.waiting.Err() == nil
}

// turn makes one attempt, if it still may.
func (o *operation) turn(ctx context.Context) turn {
	now := o.run.e.now
	if o.breaker.await(o.waiting) != nil || !o.occupy() {
		return turn{}
	}
	defer o.vacate()
	g := o.ask()
	if g == nil {
		return turn{}
	}
	// The store may have taken its time since the grant was decided.
	if g.limits.tooLate(g.first, now()) {
		o.report(Record{Kind: recWithdrawn, At: now(), Exhausted: true})
		return turn{again: true, due: o.nextDue(g.attempt-1, now(), time.Time{})}
	}
	done, ok := o.breaker.acquire()
	if !ok || o.run.e.draining() {
		o.report(Record{Kind: recWithdrawn, At: now()})
		return turn{again: !ok}
	}
	a := o.attempt(ctx, g)
	if ctx.Err() != nil { // closing: an aborted call tells nothing
		return turn{}
	}
	if a.unsent {
		done(unsent)
		o.report(Record{Kind: recWithdrawn, At: a.At})
		return turn{again: true, due: a.At.Add(shortagePause)}
	}
	done(passOrFail(!o.run.e.defects.opensFor(saga.Classify(a.Code))))
	return o.conclude(g, a)
}

// occupy waits for a slot, so that an intent is not written down before its call can
// leave; false: there is nothing to wait for any more.
func (o *operation) occupy() bool {
	o.slot = o.slot || o.run.e.slots.take(o.waiting)
	return o.slot
}

// occupyAtOnce takes a slot if one is free.
func (o *operation) occupyAtOnce() bool {
	o.slot = o.run.e.slots.try()
	return o.slot
}

func (o *operation) vacate() {
	if o.slot {
		o.slot = false
		o.run.e.slots.give()
	}
}

// attempt makes the call, and those of planted defects beside it.
func (o *operation) attempt(ctx context.Context, g *grant) Answer {
	e, def := o.run.e, o.run.state.Def
	if g.attempt > 1 && e.defects.on("retry-twice") {
		e.stray(def, o.ref, "error-"+strconv.Itoa(g.attempt))
	}
	if e.defects.on("requeue-slow-calls") {
		t := time.AfterFunc(o.call.Retry.AttemptTimeout()/2, func() { e.stray(def, o.ref, "worker-2") })
		defer t.Stop()
	}
	if o.ref.Dir == saga.Compensation && e.defects.on("compensate-twice") {
		e.send(ctx, def, o.ref, g.attempt, "again")
	}
	a := e.send(ctx, def, o.ref, g.attempt, "")
	for n := g.attempt + 1; saga.Classify(a.Code) == saga.Done && n <= o.call.Retry.MaxAttempts; n++ {
		if e.defects.on("repeat-succeeded") {
			e.send(ctx, def, o.ref, n, "")
		}
		if e.defects.on("repeat-with-new-key") {
			e.send(ctx, def, o.ref, n, strconv.Itoa(n))
		}
	}
	if o.ref.Dir == saga.Compensation && saga.Classify(a.Code) == saga.Done && e.defects.on("refund-again-later") {
		time.AfterFunc(repeatLater, func() { e.stray(def, o.ref, "later") })
	}
	return a
}

// meaning is what an answer tells about the operation.
func (o *operation) meaning(a Answer) saga.Answer {
	m, d := saga.Classify(a.Code), o.run.e.defects
	action := o.ref.Dir == saga.Action
	switch {
	case action && a.Code == 0 && d.on("timeout-is-success"):
		return saga.Done
	case action && a.Code == http.StatusConflict && d.on("conflict-is-success"):
		return saga.Done
	case action && a.Code >= 500 && d.on("error-means-undone"):
		return saga.Permanent
	case action && m == saga.Permanent && d.on("retry-permanent"):
		return saga.Transient
	case !action && m == saga.Permanent && d.on("retry-refused-compensation"):
		return saga.Transient
	case !action && m == saga.Transient && d.on("compensation-errors-ignored"):
		return saga.Done
	case !action && m == saga.Permanent && d.on("refused-compensation-is-done"):
		return saga.Done
	case action && m == saga.Permanent && o.kind() == saga.Retriable && d.on("refused-retriable-is-done"):
		return saga.Done
	case m == saga.Transient && forgottenCode(a.Code) && d.on("codes-by-list"):
		return saga.Permanent
	}
	return m
}

// conclude reports an attempt's outcome and says when the next turn is.
func (o *operation) conclude(g *grant, a Answer) turn {
	m, d := o.meaning(a), o.run.e.defects
	if a.Code == 0 && d.on("job-lost-with-answer") {
		return turn{}
	}
	due := o.nextDue(g.attempt, a.At, a.NotBefore)
	exhausted := m == saga.Transient && g.limits.exhausted(g.attempt-g.spared, g.first, due)
	if m == saga.Transient && o.ref.Dir == saga.Action {
		exhausted = exhausted || a.Code == 0 && d.on("compensate-on-timeout")
		exhausted = exhausted || a.Code != 0 && d.on("retries-ignored")
	}
	o.report(Record{
		Kind: RecordOutcome, At: a.At, Attempt: g.attempt, Answer: m, Code: a.Code, NotBefore: a.NotBefore, Exhausted: exhausted,
		Breaker: o.breaker.snapshot(o.run.e.now()),
	})
	if a.Code == http.StatusTooManyRequests && d.on("throttled-forever") {
		return turn{}
	}
	return turn{again: m == saga.Transient, due: due}
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

func (o *operation) report(r Record) {
	r.Step, r.Direction = o.ref.Step, o.ref.Dir
	o.run.inbox.post(message{fact: &r})
}

// nextDue draws the time of the attempt after n, which ended at that time.
func (o *operation) nextDue(n int, ended, notBefore time.Time) time.Time {
	due := ended.Add(o.wait(n + 1))
	if due.Before(notBefore) && !o.run.e.defects.on("ignore-retry-after") {
		return notBefore
	}
	return due
}

// wait draws the wait before attempt n from its band.
func (o *operation) wait(n int) time.Duration {
	p, d, draw := o.call.Retry, o.run.e.defects, rand.Float64()
	if o.ref.Dir == saga.Action && d.on("no-backoff") {
		return 0
	}
	if o.ref.Dir == saga.Compensation && d.on("compensation-storm") {
		return 0
	}
	if n > 32 && d.on("backoff-overflow") {
		return 0
	}
	if d.on("backoff-one-step-behind") {
		n--
	}
	if d.on("no-jitter") {
		draw = 0.5
	}
	if d.on("shared-jitter") {
		draw = rand.New(rand.NewPCG(uint64(n), 0)).Float64()
	}
	if d.on("narrow-jitter") {
		draw = 0.1 + 0.8*draw
	}
	lo, hi := band(p, n)
	w := lo + time.Duration(draw*float64(hi-lo))
	if d.on("coarse-timer") {
		w = w.Truncate(time.Second) + time.Second
	}
	if d.on("double-waits") {
		w *= 2
	}
	return w
}
