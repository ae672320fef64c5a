package striking

import (
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// Waits knows how long callers waited between the attempts of each operation. It is safe for
// concurrent use.
type Waits struct {
	mu    sync.Mutex
	ended map[saga.Operation]time.Time
}

// Ended notes that an attempt has ended.
func (w *Waits) Ended(op saga.Operation, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended == nil {
		w.ended = map[saga.Operation]time.Time{}
	}
	w.ended[op] = at
}

// Before is how long was waited before an attempt that begins; 0: it is the first one.
func (w *Waits) Before(op saga.Operation, began time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	last, known := w.ended[op]
	if !known {
		return 0
	}
	return max(began.Sub(last), time.Nanosecond)
}

// soon is when a wait is struck of which nothing is known: most are longer.
const soon = 10 * time.Millisecond

// Into is how long into its wait a caller is struck that waited so long before: waits may be drawn, and the
// next may be shorter. Before that a caller may not have written down that it waits. Whose start was answered has not to
// write down anything more: it is struck at once, before its first call.
func Into(op saga.Operation, before time.Duration) time.Duration {
	switch {
	case op.Step == saga.SubmitStep:
		return 0
	case before == 0:
		return soon
	}
	return max(before/3, soon/2)
}
