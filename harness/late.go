package harness

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// Late is what the system under test still called for sagas that had ended, when the wires had been
// silent for as long as they must and the cells were over: nobody has judged it.
type Late struct {
	Calls int           `json:"calls,omitempty"`
	After time.Duration `json:"after,omitempty"` // how long after the end of its cell the latest one came
	First string        `json:"first,omitempty"` // the first: the operation, or service and request
	Saga  string        `json:"saga,omitempty"`  // whose it was
}

// Plus is both together.
func (l Late) Plus(o Late) Late {
	sum := l
	if l.Calls == 0 {
		sum = o
	}
	sum.Calls, sum.After = l.Calls+o.Calls, max(l.After, o.After)
	return sum
}

// lateCalls counts them; safe for concurrent use.
type lateCalls struct {
	mu sync.Mutex
	Late
	over map[string]over
}

// over is what is known of a saga whose cell is over.
type over struct {
	since time.Time
	done  bool // nothing was left of it: what still comes for it is told
}

func newLateCalls() *lateCalls { return &lateCalls{over: map[string]over{}} }

// close notes that a cell is about to end. What comes for one that was given up, still busy or
// stuck, is no surprise, nor is what comes for a saga whose start was struck and not known to have
// arrived: it may arrive any time.
func (l *lateCalls) close(cell *cellRun) {
	accepted, struck := cell.accepted.all(), cell.startStruck()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range cell.ids {
		l.over[id] = over{time.Now(), cell.calm && (!struck || slices.Contains(accepted, id))}
	}
}

// of is told of what comes for a saga.
func (l *lateCalls) of(id string) func(call string) {
	return func(call string) { l.tell(id, call) }
}

// tell counts a call for a saga, if its cell is over; known: it is.
func (l *lateCalls) tell(id, call string) (known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	saga, known := l.over[id]
	if !saga.done {
		return known
	}
	if l.Calls++; l.Calls == 1 {
		l.First, l.Saga = call, id
	}
	l.After = max(l.After, time.Since(saga.since))
	return true
}

// ofOver is told of requests that come to addresses of operations which belong to no cell, or to another one;
// true: it is of a saga whose cell is over.
func (h *Harness) ofOver(head *http.Request) bool {
	op, ok := operationAt(head.URL.Path)
	return ok && h.late.Load().tell(op.Saga, op.Ref().String())
}

// operationAt is the operation whose path this is.
func operationAt(path string) (saga.Operation, bool) {
	p := strings.Split(path, "/")
	if len(p) != 6 || p[0] != "" || p[1] != "sagas" || p[3] != "steps" {
		return saga.Operation{}, false
	}
	return saga.Operation{Saga: p[2], Step: p[4], Direction: saga.Direction(p[5])}, true
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
	h.late.Store(newLateCalls())
	return late
}
