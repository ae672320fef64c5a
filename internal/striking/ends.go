package striking

import (
	"context"
	"sync"
)

// Ends knows which sagas the client has heard to be at their end. It is safe for concurrent use.
type Ends struct {
	mu    sync.Mutex
	heard map[string]chan struct{}
}

// Heard notes that a saga has ended.
func (e *Ends) Heard(saga string) {
	c := e.of(saga)
	e.mu.Lock()
	defer e.mu.Unlock()
	select {
	case <-c:
	default:
		close(c)
	}
}

// Wait waits until a saga has ended; false: the context was over before.
func (e *Ends) Wait(ctx context.Context, saga string) bool {
	select {
	case <-e.of(saga):
		return true
	case <-ctx.Done():
		return false
	}
}

func (e *Ends) of(saga string) chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.heard == nil {
		e.heard = map[string]chan struct{}{}
	}
	if e.heard[saga] == nil {
		e.heard[saga] = make(chan struct{})
	}
	return e.heard[saga]
}
