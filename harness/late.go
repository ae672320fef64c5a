package harness

import (
	"slices"
	"sync"
	"time"
)

// Late is what a workflow still called for sagas that had ended, when the wires had been
// silent for as long as they must and the cells were over: nobody has judged it.
type Late struct {
	Calls int
	After time.Duration // how long after the end of its cell the latest one came
	First string        // the first: service and request
	Saga  string        // whose it was
}

// lateCalls counts them; safe for concurrent use.
type lateCalls struct {
	mu sync.Mutex
	Late
}

// of is told of what comes for the sagas of a cell that is over. What comes for one that was
// given up, still busy or stuck, is no surprise, nor is what comes for one whose start was struck
// and not known to have arrived: it may arrive any time.
func (l *lateCalls) of(cell *cellRun, id string) func(call string) {
	if !cell.calm || cell.startStruck() && !slices.Contains(cell.accepted.all(), id) {
		return func(string) {}
	}
	over := time.Now()
	return func(call string) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.Calls++; l.Calls == 1 {
			l.First, l.Saga = call, id
		}
		l.After = max(l.After, time.Since(over))
	}
}

// Late is what came too late to be judged so far.
func (h *Harness) Late() Late {
	late := h.late.Load()
	late.mu.Lock()
	defer late.mu.Unlock()
	return late.Late
}

// ForgetLate is Late, of cells from which was learnt: what still comes for them is not told.
func (h *Harness) ForgetLate() Late {
	late := h.Late()
	h.late.Store(new(lateCalls))
	return late
}
