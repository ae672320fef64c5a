package participants

import (
	"bytes"
	"fmt"
	"net/http"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// Handle does one call: records that it was received, applies the effect as the
// profile and the hook allow, and says what to answer.
func (w *World) Handle(c Call, h http.Header, body []byte) Answer {
	return w.handle(c, h, body).given(time.Now())
}

func (w *World) handle(c Call, h http.Header, body []byte) Answer {
	e := w.event(c, history.CallReceived)
	e.Key, e.SagaID, e.StepID, e.Trace = Key(h), h.Get("Saga-Id"), h.Get("Saga-Step"), h.Get("Traceparent")
	if want, ok := w.bodies[c.Op]; ok && !bytes.Equal(body, want) {
		text := string(body)
		e.Body = &text
	}
	w.rec.Add(e)
	r := &request{call: c, profile: w.profile, key: e.Key, body: body}
	w.claim(r)
	if a := w.ask(c, Arrived); a != nil {
		w.drop(r)
		return *a
	}
	w.await(r)
	a, changed := w.apply(r)
	if !changed {
		return a
	}
	over := w.ask(c, Committed)
	if over == nil {
		return a
	}
	said := over.insteadOf(a, saga.Effect{})
	if !said.Hangup && saga.Classify(said.Code) == saga.Done {
		w.remember(r, said)
	}
	return said
}

// request is a call while it is handled.
type request struct {
	call    Call
	profile Profile
	key     string
	keys    Keys
	body    []byte
	claimed *claim // nil: its key is not its own
}

// protected tells whether keys, tombstones and undone actions are minded for a call.
func (w *World) protected(r *request) bool {
	return w.rules.Protects(r.profile, r.call.Op)
}

// claim marks the request's key as being worked on, if nobody has it.
func (w *World) claim(r *request) {
	if w.protected(r) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.mem.claim(r)
	}
}

// drop forgets the claim of a request that changed nothing.
func (w *World) drop(r *request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mem.drop(r)
}

// patience is how long a request waits for another one that has its key, as for a
// lock in a database, before it is told that the other is in progress.
const patience = 20 * time.Millisecond

// await waits for the request that has this one's key.
func (w *World) await(r *request) {
	w.mu.Lock()
	other := w.mem.of(r)
	w.mu.Unlock()
	if other == nil || other == r.claimed {
		return
	}
	if r.keys.InProgress == Waits {
		w.first(r)
		return
	}
	t := time.NewTimer(r.keys.InProgress.patience())
	defer t.Stop()
	select {
	case <-other.over:
	case <-t.C:
	}
}

// remember puts another answer in the place of the one that is replayed.
func (w *World) remember(r *request, a Answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mem.finish(r, a)
}

// apply changes the ledgers under the protection of the profile. The event of
// the effect is recorded under the same lock, so that the order of events is the
// order of effects.
func (w *World) apply(r *request) (a Answer, changed bool) {
	effect, err := decode(r.body)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.mem.drop(r)
		return *problem(http.StatusBadRequest, "bad body", err.Error()), false
	}
	if a := w.refuse(r, effect); a != nil {
		w.mem.drop(r)
		return *a, false
	}
	c := r.call
	a = Answer{Code: http.StatusOK}
	w.commit(c, effect, "", "")
	if c.Op.Direction == saga.Action {
		w.mem.done[stepID{c.Op.Saga, c.Op.Step}] = true
	}
	w.mem.finish(r, a)
	return a, true
}

// commit books an effect and records it, with the names that the service has for it
// and for the one that it undoes.
func (w *World) commit(c Call, effect saga.Effect, ref, of string) saga.Effect {
	did := w.book(c, effect)
	w.hold(c.Op, did)
	if !did.IsZero() {
		e := w.event(c, history.CallCommitted)
		e.Effect, e.Ref, e.Of = &did, ref, of
		w.rec.Add(e)
	}
	return did
}

// refuse is the answer of a call that is to change nothing: a replay, a call that
// comes too late, one that a rule of the business forbids, a compensation without
// its action, a write that finds another value. nil: go on.
func (w *World) refuse(r *request, effect saga.Effect) *Answer {
	c := r.call
	if w.rules.LooksDone(c.Op, func() bool { return w.mem.seen(r.body) }) {
		return &Answer{Code: http.StatusOK, Detail: history.Replayed}
	}
	protected, tombstones := w.protected(r), w.rules.Tombstones(r.profile)
	if protected {
		if a := w.mem.known(tombstones, r); a != nil {
			return a
		}
		w.mem.claim(r) // whoever had the key may have changed nothing meanwhile
	}
	if a := w.ask(c, Deciding); a != nil {
		return a
	}
	if protected && !w.hasEffect(c, tombstones) {
		return &Answer{Code: http.StatusOK, Detail: neverHappened}
	}
	if w.rules.Compares(r.profile) {
		for _, part := range w.split(effect) {
			if wr, now, found := part.ledger.conflict(part.effect); found {
				return problem(http.StatusConflict, "conflict", fmt.Sprintf("register %q is %q, expected %q", wr.Register, now, wr.From))
			}
		}
	}
	return nil
}

// hasEffect tells whether a call that nothing speaks against has something to do.
func (w *World) hasEffect(c Call, tombstones bool) bool {
	happened := w.mem.undoes(tombstones, c)
	return c.Op.Direction == saga.Action || w.rules.Undoes(happened)
}
