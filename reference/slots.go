package reference

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"time"
)

// slots bound the calls that are under way at once by the descriptors that the
// process may have: a call that finds none would look like a failure of its
// participant. What waits for a slot was no attempt.
type slots struct{ free chan struct{} }

// Of the descriptors some stay for the store, the log and the listener, and a part
// is for connections of clients.
const (
	spareDescriptors = 64
	maxCalls         = 4096
	leastCalls       = 4
	maxConnections   = 8192
)

// descriptors is how many the process may have.
func descriptors() int {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil || l.Cur > 1<<20 {
		return 1 << 20
	}
	return int(l.Cur)
}

// Connections is how many connections of clients a server in front of an executor may
// have: a part of the descriptors, so that calls have theirs.
func Connections() int {
	return min(max((descriptors()-spareDescriptors)*2/5, leastCalls), maxConnections)
}

// newSlots makes n slots; 0: half of what there is, each call needs one descriptor.
func newSlots(n int) slots {
	if n == 0 {
		n = min(max((descriptors()-spareDescriptors)/2, leastCalls), maxCalls)
	}
	s := slots{free: make(chan struct{}, n)}
	for range n {
		s.free <- struct{}{}
	}
	return s
}

// try takes a slot if one is free.
func (s slots) try() bool {
	select {
	case <-s.free:
		return true
	default:
		return false
	}
}

// take waits for a slot; false: ctx has ended.
func (s slots) take(ctx context.Context) bool {
	select {
	case <-s.free:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s slots) give() { s.free <- struct{}{} }

// idle waits until no slot is taken.
func (s slots) idle(ctx context.Context) {
	for n := range cap(s.free) {
		if !s.take(ctx) {
			for range n {
				s.give()
			}
			return
		}
	}
	for range cap(s.free) {
		s.give()
	}
}

// occupy waits for a slot, so that an intent is not written down before its call can
// leave; false: there is nothing to wait for any more.
func (o *operation) occupy() bool {
	o.slot = o.slot || o.run.e.slots.take(o.waiting)
	return o.slot
}

// occupyAtOnce takes a slot if one is free.
func (o *operation) occupyAtOnce() bool {
	o.slot = o.run.e.slots.try()
	return o.slot
}

func (o *operation) vacate() {
	if o.slot {
		o.slot = false
		o.run.e.slots.give()
	}
}

// couldNotLeave tells whether a call failed for want of something of our own, before
// anything of it left.
func couldNotLeave(err error) bool {
	for _, own := range []error{syscall.EMFILE, syscall.ENFILE, syscall.EADDRNOTAVAIL, syscall.ENOBUFS, syscall.ENOMEM, errTarget} {
		if errors.Is(err, own) {
			return true
		}
	}
	return false
}

// shortage remembers that calls could not leave, so that it is logged once.
type shortage struct {
	mu    sync.Mutex
	until time.Time
}

// shortagePause is the wait of a call that could not leave.
const shortagePause = 100 * time.Millisecond

// news tells whether the shortage is a new one.
func (s *shortage) news(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	fresh := now.After(s.until)
	s.until = now.Add(time.Minute)
	return fresh
}
