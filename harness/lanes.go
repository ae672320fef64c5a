package harness

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// lanes are for cells with a process of their own, in the order in which they come. Starting a process takes
// a lot of the machine at once, which makes it late for those that share one: while any of them waits, only a few
// lanes are open.
type lanes struct {
	few, most int
	shared    *atomic.Int32 // cells that wait for the orchestrator that they share

	mu      sync.Mutex
	running int
	waiting []chan struct{} // each is closed when its cell has a lane
}

// acquire waits for a lane; release must be called.
func (l *lanes) acquire(ctx context.Context) error {
	turn := make(chan struct{})
	l.mu.Lock()
	l.waiting = append(l.waiting, turn)
	l.mu.Unlock()
	l.open()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	i := slices.Index(l.waiting, turn)
	if i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
	}
	l.mu.Unlock()
	if i < 0 { // it had just got one
		l.release()
	}
	return ctx.Err()
}

func (l *lanes) release() {
	l.mu.Lock()
	l.running--
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
