package reference

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// bucket holds the tokens of a retry budget, which all calls of its name share. Nothing of
// it is stored: after a restart it begins empty, which no crash can use to fill it.
type bucket struct {
	saga.RetryBudget
	turn  chan struct{} // held by whoever is next: the others wait for it in order
	mu    sync.Mutex
	level float64
	at    time.Time // when the level was so
}

// fill adds what time has brought.
func (b *bucket) fill(now time.Time) {
	b.level = min(float64(b.Burst), b.level+b.MinPerSecond*max(0, now.Sub(b.at).Seconds()))
	b.at = now
}

// add puts tokens into the bucket: the share of a first attempt, or one that was not used.
// A nil bucket takes anything.
func (b *bucket) add(tokens float64, now time.Time) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill(now)
	b.level = min(float64(b.Burst), b.level+tokens)
}

// nearly a token is one, for what a float makes of a sum.
const nearly = 1 - 1e-9

// try takes a token, or says when time will have brought one.
func (b *bucket) try(now time.Time) (wait time.Duration, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill(now)
	if b.level >= nearly {
		b.level--
		return 0, true
	}
	return max(time.Millisecond, time.Duration((1-b.level)/b.MinPerSecond*float64(time.Second))), false
}

// take waits for a token, in the order of those who ask; held is called once if it has to
// wait. False: ctx has ended.
func (b *bucket) take(ctx context.Context, now func() time.Time, held func()) bool {
	say := sync.OnceFunc(held)
	select {
	case b.turn <- struct{}{}:
	default:
		say()
		select {
		case b.turn <- struct{}{}:
		case <-ctx.Done():
			return false
		}
	}
	defer func() { <-b.turn }()
	for {
		wait, ok := b.try(now())
		if ok {
			return true
		}
		say()
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return false
		}
	}
}

// buckets are the retry budgets by name and numbers: who says other numbers has another one.
type buckets struct {
	rules  *Rules
	now    func() time.Time
	began  time.Time // the executor; zero: it has a new store, so that nothing was spent before
	mu     sync.Mutex
	byName map[string]*bucket
}

// keepBuckets bounds the buckets in memory, as long as enough are full: those are as new.
const keepBuckets = 4096

// get finds or makes the bucket; nil gives nil.
func (bs *buckets) get(b *saga.RetryBudget) *bucket {
	if b == nil {
		return nil
	}
	name, now := fmt.Sprintf("%s (%v, %v, %d)", b.Name, b.Share, b.MinPerSecond, b.Burst), bs.now()
	bs.mu.Lock()
	defer bs.mu.Unlock()
	known := bs.byName[name]
	if known == nil {
		bs.sweep(now)
		known = &bucket{RetryBudget: *b, turn: make(chan struct{}, 1), level: bs.rules.FirstTokens(*b, now.Sub(bs.began)), at: now}
		bs.byName[name] = known
	}
	return known
}

func (bs *buckets) sweep(now time.Time) {
	if len(bs.byName) >= keepBuckets {
		maps.DeleteFunc(bs.byName, func(_ string, b *bucket) bool {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.fill(now)
			return b.level >= float64(b.Burst) && len(b.turn) == 0
		})
	}
}

// firstTokens is what a bucket holds that is asked for the first time so long after the executor
// began: what it would have got since, had it been empty then.
func firstTokens(b saga.RetryBudget, up time.Duration) float64 {
	return min(float64(b.Burst), b.MinPerSecond*up.Seconds())
}

// afford waits until the retry budget allows the next attempt; false: there is nothing to
// wait for any more. A first attempt needs no token, unless its
// saga is run again.
func (o *operation) afford() bool {
	e := o.run.e
	b := e.buckets.get(e.rules.RetryBudget(o.op))
	if b == nil || o.made == 0 && !o.op.again() {
		return true
	}
	took := b.take(o.waiting, e.now, func() {
		o.report(Record{Kind: recHeld, At: e.now(), Attempt: o.made + 1, Layer: LayerRetryBudget})
	})
	if took {
		o.token = b
	}
	return took
}

// affordable: the retry budget would allow an attempt now.
func (o *operation) affordable() bool {
	ok := o.affordNow()
	o.refund()
	return ok
}

// affordNow takes the token of an attempt that waits for none: those who do come first.
func (o *operation) affordNow() bool {
	e := o.run.e
	b := e.buckets.get(e.rules.RetryBudget(o.op))
	if b == nil {
		return true
	}
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	default:
		return false
	}
	_, ok := b.try(e.now())
	if ok {
		o.token = b
	}
	return ok
}

// refund gives a token back that was not used.
func (o *operation) refund() {
	o.token.add(1, o.run.e.now())
	o.token = nil
}

// spend uses the token of an attempt that leaves; a first one brings its share.
func (o *operation) spend(n int) {
	o.token = nil
	if b := o.run.e.buckets.get(o.run.e.rules.RetryBudget(o.op)); b != nil && n == 1 && !o.op.again() {
		b.add(b.Share, o.run.e.now())
	}
}
