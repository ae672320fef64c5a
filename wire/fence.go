package wire

import "sync"

// fence parts the life of a cell from what comes after it. Whoever may record
// something of the cell, or touch a process for it, is inside while doing so; once
// it is closed nobody gets in, and close returns when everybody has left.
type fence struct {
	mu     sync.Mutex
	closed bool
	inside sync.WaitGroup
}

// enter tells whether the caller is inside; leave must then be called.
func (f *fence) enter() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return false
	}
	f.inside.Add(1)
	return true
}

func (f *fence) leave() { f.inside.Done() }

func (f *fence) close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.inside.Wait()
}
