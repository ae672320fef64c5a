package harness

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// lanes are for cells with a process of their own, in the order in which they come. Starting a process takes
// a lot of the machine at once, which makes it late for those that share one: while any of them waits, only a few
// lanes are open. A cell in which nothing happens any more gives its lane to another one while it waits.
type lanes struct {
	few, most int
	mostRest  int           // cells that may wait without a lane
	shared    *atomic.Int32 // cells that wait for the orchestrator that they share

	mu      sync.Mutex
	running int
	resting int
	waiting []chan struct{} // each is closed when its cell has a lane
}

// lane is that of one cell; release must be called.
type lane struct {
	*lanes
	rests bool
}

// acquire waits for a lane.
func (l *lanes) acquire(ctx context.Context) (*lane, error) {
	turn := make(chan struct{})
	l.mu.Lock()
	l.waiting = append(l.waiting, turn)
	l.mu.Unlock()
	l.open()
	got := &lane{lanes: l}
	select {
	case <-turn:
		return got, nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	i := slices.Index(l.waiting, turn)
	if i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
	}
	l.mu.Unlock()
	if i < 0 { // it had just got one
		got.release()
	}
	return nil, ctx.Err()
}

// rest gives the lane to another cell while this one only waits; false: too many do.
func (l *lane) rest(bool) bool {
	l.mu.Lock()
	if !l.rests && l.resting < l.mostRest {
		l.rests = true
		l.running--
		l.resting++
	}
	l.mu.Unlock()
	l.open()
	return l.rests
}

func (l *lane) release() {
	l.mu.Lock()
	if l.rests {
		l.resting--
	} else {
		l.running--
	}
	l.mu.Unlock()
	l.open()
}

// open gives those that wait what lanes there are.
func (l *lanes) open() {
	l.mu.Lock()
	defer l.mu.Unlock()
	limit := l.most
	if l.shared.Load() > 0 {
		limit = l.few
	}
	for l.running < limit && len(l.waiting) > 0 {
		l.running++
		close(l.waiting[0])
		l.waiting = l.waiting[1:]
	}
}
