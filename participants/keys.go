package participants

import (
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// Keys is how a service of the user's own minds idempotency keys. Services differ: the
// zero value is what the participants of Sagacheck's own sagas do.
type Keys struct {
	// Service and Operation are where a key counts: the same key elsewhere is another one.
	// Without an operation it counts for the whole service.
	Service, Operation string
	// TTL is how long a key is remembered after the request that brought it first; 0: for
	// ever. It is time of this machine: one of hours passes in a cell only with a fault
	// that says so (World.Forget).
	TTL time.Duration
	// InProgress is what becomes of a request whose key is being worked on.
	InProgress InProgress
	// Final: a refusal is remembered as a success is. Else the next request with the key
	// is the first again.
	Final bool
}

// InProgress is what becomes of a request whose key is being worked on.
type InProgress string

// The ways. The empty one waits as for a lock in a database, for a moment, and then
// conflicts.
const (
	Conflicts InProgress = "409"  // it is told so at once
	Waits     InProgress = "wait" // it is answered what the first is answered
)

// patience is how long such a request waits before it is told.
func (p InProgress) patience() time.Duration {
	if p == Conflicts {
		return 0
	}
	return patience
}

// keyID is a key where it counts.
type keyID struct{ service, operation, key string }

func (r *request) id() keyID { return keyID{r.keys.Service, r.keys.Operation, r.key} }

// of is what is known of the key of a request; nil: nothing, or nothing any more.
func (m *memory) of(r *request) *claim {
	cl := m.keys[r.id()]
	if cl != nil && cl.answer != nil && r.keys.TTL > 0 && time.Since(cl.since) > r.keys.TTL {
		delete(m.keys, r.id())
		return nil
	}
	return cl
}

// refuse remembers a refusal, if the service does. What says that the request may come
// again is none, and that it came too late is remembered anyway.
func (m *memory) refuse(r *request, a Answer) {
	refused := !a.Hangup && (a.Declined || saga.Classify(a.Code) == saga.Permanent) && a.Detail != history.TooLate
	if r.keys.Final && r.claimed != nil && refused {
		m.finish(r, a)
		r.claimed = nil
	}
}

// first waits until the request is the first with its key, or the first has its answer.
func (w *World) first(r *request) {
	for {
		w.mu.Lock()
		w.mem.claim(r) // whoever had the key may have changed nothing
		other := w.mem.of(r)
		over := other == nil || other == r.claimed || other.answer != nil
		w.mu.Unlock()
		if over {
			return
		}
		<-other.over
	}
}

// Forget makes a service forget all keys that it has answered, as after their TTL.
func (w *World) Forget(service string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, cl := range w.mem.keys {
		if id.service == service && cl.answer != nil {
			delete(w.mem.keys, id)
		}
	}
}
