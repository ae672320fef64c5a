package harness

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sagacheck/sagacheck/history"
)

// A machine with more cells than it can carry makes time-outs fire that no plan
// asked for. So new cells wait while the machine lags: while timers of ours fire
// late.
const (
	lagTick  = 5 * time.Millisecond
	lagLimit = 4 * time.Millisecond
	// lagPatience bounds the wait: a machine that others keep busy is no reason
	// never to start.
	lagPatience = 2 * time.Second
)

// spoilLimit is how late a timer must fire for the machine to have spoilt a cell
// whose planned fault did not fire: attempts then time out that no plan asked for.
const spoilLimit = 25 * time.Millisecond

// spoilt tells whether the machine lagged badly since then.
func (p *pacer) spoilt(since time.Time) bool { return p.last.Load() > since.UnixNano() }

// pacer measures how late timers fire.
type pacer struct {
	lag  atomic.Int64 // nanoseconds, a decaying maximum
	last atomic.Int64 // when the machine last lagged badly, in nanoseconds since 1970
	told sync.Map     // *history.Recorder of each running cell
	stop context.CancelFunc
	done sync.WaitGroup
}

// tell notes in a cell's history how late the machine is, until the end is called.
func (p *pacer) tell(r *history.Recorder) (end func()) {
	p.told.Store(r, nil)
	return func() { p.told.Delete(r) }
}

func newPacer() *pacer {
	ctx, stop := context.WithCancel(context.Background())
	p := &pacer{stop: stop}
	p.done.Go(func() { p.measure(ctx) })
	return p
}

func (p *pacer) measure(ctx context.Context) {
	t := time.NewTicker(lagTick)
	defer t.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		now := time.Now()
		late := max(now.Sub(last)-lagTick, 0)
		last = now
		if late > spoilLimit {
			p.last.Store(now.UnixNano())
		}
		if late > lagLimit {
			p.told.Range(func(r, _ any) bool { r.(*history.Recorder).Late(late); return true })
		}
		p.lag.Store(int64(max(late, time.Duration(p.lag.Load())*31/32)))
	}
}

func (p *pacer) close() {
	p.stop()
	p.done.Wait()
}

// admit waits until the machine keeps up.
func (p *pacer) admit(ctx context.Context) {
	deadline := time.Now().Add(lagPatience)
	for time.Duration(p.lag.Load()) > lagLimit && time.Now().Before(deadline) {
		if pause(ctx, lagTick) != nil {
			return
		}
	}
}
