package participants

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/jsonvalue"
	"github.com/sagacheck/sagacheck/saga"
)

// Profile is the protection that the participants of a cell offer.
type Profile string

// The profiles, from the least to the most protection.
const (
	// Naive applies whatever arrives; a compensation applies the inverse whether
	// or not the action happened.
	Naive Profile = "naive"
	// Keyed remembers idempotency keys: one effect a key, the same answer for the
	// same key, 422 when a key comes for another operation or with another body (by
	// its JSON value, as services that parse first see it), 409 while the first is
	// being worked on. A call that changes nothing (a refusal, a compensation
	// without its action, which is a no-op) is not remembered
	// (draft-ietf-httpapi-idempotency-key-header).
	Keyed Profile = "keyed"
	// Fenced is keyed, and a compensation leaves a tombstone, so that a late
	// action is refused with 410; and a write whose expected value is not the
	// present one is refused with 409 (a semantic lock: Richardson,
	// "Microservices Patterns", ch. 4.3).
	Fenced Profile = "fenced"
)

// Profiles lists the profiles.
var Profiles = []Profile{Naive, Keyed, Fenced}

// ParseProfile reads a profile's name.
func ParseProfile(s string) (Profile, error) {
	if p := Profile(s); slices.Contains(Profiles, p) {
		return p, nil
	}
	return "", fmt.Errorf("bad participant profile %q: expected naive, keyed or fenced", s)
}

// memory is what the protected profiles remember of a cell.
type memory struct {
	keys       map[keyID]*claim
	done       map[stepID]bool      // the action has had an effect
	tombstones map[stepID]bool      // a compensation was accepted
	first      map[repeatKey]Answer // what was answered first, whatever the key
}

type stepID struct{ saga, step string }

// claim is what is known of a key: it is being worked on, or its call has had its
// effect.
type claim struct {
	op     saga.Operation
	body   []byte
	since  time.Time
	answer *Answer       // nil: the first call is being worked on
	over   chan struct{} // closed when it no longer is
}

func newMemory() *memory {
	return &memory{keys: map[keyID]*claim{}, done: map[stepID]bool{}, tombstones: map[stepID]bool{}, first: map[repeatKey]Answer{}}
}

// neverHappened is the detail of an answer that undoes nothing.
const neverHappened = "no-op: the action never happened"

// claim marks the request's key as being worked on, unless somebody has it
// already.
func (m *memory) claim(r *request) {
	if r.key == "" || m.of(r) != nil {
		return
	}
	r.claimed = &claim{op: r.call.Op, body: r.body, since: time.Now(), over: make(chan struct{})}
	m.keys[r.id()] = r.claimed
}

// drop forgets the claim of a request that changed nothing: the next with its key
// is the first again.
func (m *memory) drop(r *request) {
	if r.claimed != nil {
		delete(m.keys, r.id())
		close(r.claimed.over)
		r.claimed = nil
	}
}

// finish remembers the answer of a request that has had its effect.
func (m *memory) finish(r *request, a Answer) {
	cl := r.claimed
	if cl == nil {
		return
	}
	if cl.answer == nil {
		close(cl.over)
	}
	cl.answer = &a
}

// known is the answer that a protected participant gives without going into the
// request: too late, or what it answered before. nil: the request is new.
func (m *memory) known(tombstones bool, r *request) *Answer {
	op := r.call.Op
	if tombstones && op.Direction == saga.Action && m.tombstones[stepID{op.Saga, op.Step}] {
		return problem(http.StatusGone, "compensated already", history.TooLate)
	}
	if cl := m.of(r); r.key != "" && cl != nil && cl != r.claimed {
		return cl.reply(r)
	}
	return nil
}

// undoes tells whether a call has something to do: a compensation without its
// action has not. Where tombstones are left, it leaves one in any case.
func (m *memory) undoes(tombstones bool, c Call) bool {
	if c.Op.Direction == saga.Action {
		return true
	}
	id := stepID{c.Op.Saga, c.Op.Step}
	if tombstones {
		m.tombstones[id] = true
	}
	return m.done[id]
}

func (cl *claim) reply(r *request) *Answer {
	switch {
	case cl.op != r.call.Op || !jsonvalue.Equal(cl.body, r.body):
		return problem(http.StatusUnprocessableEntity, "idempotency key reused", history.KeyReused)
	case cl.answer == nil:
		return problem(http.StatusConflict, "in progress", history.InProgress)
	}
	a := *cl.answer
	a.Detail = history.Replayed
	return &a
}

// seen tells whether a request with that body was done (dedupe-by-body).
func (m *memory) seen(body []byte) bool {
	for _, cl := range m.keys {
		if cl.answer != nil && bytes.Equal(cl.body, body) {
			return true
		}
	}
	return false
}
