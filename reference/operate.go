package reference

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/retrypolicy"

	"github.com/sagacheck/sagacheck/saga"
)

// operation is one operation under way: the goroutine that makes its attempts
// and waits between them.
type operation struct {
	run     *run
	ref     ref
	call    saga.Call
	breaker *breaker    // nil: none
	made    int         // attempts made before, in an earlier life
	due     time.Time   // of the next one, if some were made before
	granted *grant      // the first attempt's, if it came with the start
	grants  chan *grant // answers to asks
	waiting context.Context
	cancel  context.CancelFunc // ends the waiting, not a call under way
}

// grant is a durable intent.
type grant struct {
	attempt int
	first   time.Time // when the first attempt was intended
	limits  limits
}

// turn is the result of one turn of the retry loop.
type turn struct {
	again bool
	due   time.Time // of the next turn
}

func newOperation(r *run, ref ref) *operation {
	o := &operation{run: r, ref: ref, call: r.state.call(ref), grants: make(chan *grant, 1)}
	o.breaker = r.e.breakers.get(o.call.Breaker)
	st := r.state.op(ref)
	if o.made = st.attempts; o.made > 0 {
		o.due = o.nextDue(st.attempts, time.Now(), st.notBefore)
	}
	o.waiting, o.cancel = context.WithCancel(r.e.ctx)
	return o
}

// loop makes attempts until the operation's outcome is known or its waiting is
// cancelled.
func (o *operation) loop(ctx context.Context) {
	defer o.cancel()
	policy := retrypolicy.NewBuilder[turn]().
		HandleIf(func(t turn, _ error) bool { return t.again }).
		WithMaxAttempts(-1). // the budget is counted in the journal, across restarts
		WithDelayFunc(func(x failsafe.ExecutionAttempt[turn]) time.Duration {
			return max(0, time.Until(x.LastResult().due))
		}).Build()
	resumed := o.made > 0
	// The error can only be the cancellation.
	_, _ = failsafe.With(policy).WithContext(o.waiting).Get(func() (turn, error) {
		if resumed {
			resumed = false
			return turn{again: true, due: o.due}, nil
		}
		return o.turn(ctx), nil
	})
}

// turn makes one attempt, if it still may.
func (o *operation) turn(ctx context.Context) turn {
	if o.breaker.await(o.waiting) != nil {
		return turn{}
	}
	g := o.ask()
	if g == nil {
		return turn{}
	}
	// The store may have taken its time since the grant was decided.
	if g.limits.tooLate(g.first, time.Now()) {
		o.report(record{Kind: recWithdrawn, At: time.Now(), Exhausted: true})
		return turn{again: true, due: o.nextDue(g.attempt-1, time.Now(), time.Time{})}
	}
	done, ok := o.breaker.acquire()
	if !ok {
		o.report(record{Kind: recWithdrawn, At: time.Now()})
		return turn{again: true}
	}
	a := o.run.e.send(ctx, o.run.state.def, o.ref, g.attempt)
	done(a.meaning() != saga.Transient)
	if ctx.Err() != nil { // closing: an aborted call tells nothing
		return turn{}
	}
	due := o.nextDue(g.attempt, a.at, a.notBefore)
	o.report(record{
		Kind: recOutcome, At: a.at, Attempt: g.attempt, Answer: a.meaning(), Code: a.code, NotBefore: a.notBefore,
		Exhausted: a.meaning() == saga.Transient && g.limits.exhausted(g.attempt, g.first, due),
	})
	return turn{again: a.meaning() == saga.Transient, due: due}
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

func (o *operation) report(r record) {
	r.Step, r.Direction = o.ref.step, o.ref.dir
	o.run.inbox.post(message{fact: &r})
}

// nextDue draws the time of the attempt after n, which ended at that time.
func (o *operation) nextDue(n int, ended, notBefore time.Time) time.Time {
	lo, hi := o.call.Retry.Band(n + 1)
	due := ended.Add(lo + time.Duration(rand.Float64()*float64(hi-lo)))
	if due.Before(notBefore) {
		return notBefore
	}
	return due
}
