package harness

import (
	"sync/atomic"
	"time"
)

// Held is for how long cells waited to begin, by what kept them. Times overlap.
type Held struct {
	Late      time.Duration // the machine: timers fired late while as many ran as it carries
	Parallel  time.Duration // as many sagas ran as may run at once
	Processes time.Duration // as many cells had a process of their own
	Of        time.Duration // all the time in which cells ran
}

// queues count the cells that wait to begin.
type queues struct{ late, shared, owned atomic.Int32 }

// in counts a cell as waiting, until the end is called.
func in(queue *atomic.Int32) (end func()) {
	queue.Add(1)
	return func() { queue.Add(-1) }
}

// note adds a while in which cells ran, and what kept others from it.
func (h *Held) note(q *queues, while time.Duration) {
	h.Of += while
	for _, w := range []struct {
		queue *atomic.Int32
		held  *time.Duration
	}{{&q.late, &h.Late}, {&q.shared, &h.Parallel}, {&q.owned, &h.Processes}} {
		if w.queue.Load() > 0 {
			*w.held += while
		}
	}
}
