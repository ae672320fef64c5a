package reference

import (
	"context"
	"sync"
	"time"
)

// message is something that happened: facts to record, or a question that is
// answered when the answer is durable.
type message struct {
	fact     *Record
	of       *operation    // whose fact
	due      time.Time     // of the next attempt, if it asks for one
	ask      *operation    // wants an intent
	operator *asking       // an operator wants something
	holds    *holding      // a participant told what it holds
	sync     chan struct{} // wants to know when all before it is durable
}

// inbox is an unbounded queue, so that whoever reports a fact never waits for
// the store.
type inbox struct {
	mu     sync.Mutex
	queue  []message
	closed bool
	ready  chan struct{}
}

// post queues a message; false means that the saga is over.
func (b *inbox) post(m message) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.queue = append(b.queue, m)
	select {
	case b.ready <- struct{}{}:
	default:
	}
	return true
}

// take waits for messages and returns all there are.
func (b *inbox) take(ctx context.Context) ([]message, error) {
	for {
		b.mu.Lock()
		q := b.queue
		b.queue = nil
		b.mu.Unlock()
		if len(q) > 0 {
			return q, nil
		}
		select {
		case <-b.ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// close ends the inbox if nothing is queued.
func (b *inbox) close() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = b.closed || len(b.queue) == 0
	return b.closed
}

// abandon ends the inbox whatever is queued: nobody will answer.
func (b *inbox) abandon() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed, b.queue = true, nil
}
