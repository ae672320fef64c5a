package orchestrators

import "sync"

// Watched is a system that tells when it goes away although nobody asked it to:
// killed by hand, crashed, out of memory.
type Watched interface {
	// Watch calls gone, at most once, when that happens, or at once if it has
	// happened already; how says what was seen. After stop it is not called any more.
	Watch(gone func(how error)) (stop func())
}

// departure tells watchers of the end of a system that nobody asked for.
type departure struct {
	mu       sync.Mutex
	how      error // nil: it is there
	watchers map[int]func(error)
	next     int
}

// Watch is that of Watched.
func (d *departure) Watch(gone func(how error)) (stop func()) {
	d.mu.Lock()
	how, n := d.how, d.next
	if how == nil {
		if d.watchers == nil {
			d.watchers = map[int]func(error){}
		}
		d.watchers[n] = gone
		d.next++
	}
	d.mu.Unlock()
	if how != nil {
		gone(how)
	}
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.watchers, n)
	}
}

// departed tells whether it happened.
func (d *departure) departed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.how != nil
}

// tell tells all watchers, once. The lock is held meanwhile: nobody who has stopped
// watching is called.
func (d *departure) tell(how error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.how != nil {
		return
	}
	d.how = how
	for _, gone := range d.watchers {
		gone(how)
	}
}
