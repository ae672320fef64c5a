package wire

import (
	"context"
	"sync"
)

// traffic is the attempts at services, and second copies of them, that are on their way.
type traffic struct {
	mu    sync.Mutex
	n     int
	quiet chan struct{} // closed when there are none; nil: nobody waits
}

func (t *traffic) enter() {
	t.mu.Lock()
	t.n++
	t.mu.Unlock()
}

func (t *traffic) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n--; t.n == 0 && t.quiet != nil {
		close(t.quiet)
		t.quiet = nil
	}
}

// wait waits until none is; false: the context ended before.
func (t *traffic) wait(ctx context.Context) bool {
	t.mu.Lock()
	if t.n == 0 {
		t.mu.Unlock()
		return true
	}
	if t.quiet == nil {
		t.quiet = make(chan struct{})
	}
	quiet := t.quiet
	t.mu.Unlock()
	select {
	case <-quiet:
		return true
	case <-ctx.Done():
		return false
	}
}
