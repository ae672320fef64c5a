package participants

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"

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
	// same key, 422 when a key comes with another body, 409 while the first is
	// being worked on. A compensation without its action is a no-op, and is not
	// remembered (draft-ietf-httpapi-idempotency-key-header).
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
	keys       map[string]*remembered
	done       map[stepID]bool // the action has had an effect
	tombstones map[stepID]bool // a compensation was accepted
}

type stepID struct{ saga, step string }

type remembered struct {
	op      saga.Operation
	body    []byte
	answer  *Answer // nil: the first call is being worked on
	replays int
}

func newMemory() *memory {
	return &memory{keys: map[string]*remembered{}, done: map[stepID]bool{}, tombstones: map[stepID]bool{}}
}

// neverHappened is what a compensation without its action is told.
const neverHappened = "no-op: the action never happened"

// protect decides what a protected participant does with a call before anything
// is applied. An answer means: give it, change nothing.
func (m *memory) protect(p Profile, c Call, key string, body []byte) *Answer {
	id := stepID{c.Op.Saga, c.Op.Step}
	if p == Fenced && c.Op.Direction == saga.Action && m.tombstones[id] {
		return problem(http.StatusGone, "compensated already", "the step was compensated; its action comes too late")
	}
	if r := m.keys[key]; key != "" && r != nil {
		return r.reply(c, body)
	}
	if c.Op.Direction == saga.Compensation {
		if p == Fenced {
			m.tombstones[id] = true
		}
		if !m.done[id] {
			return &Answer{Code: http.StatusOK, Detail: neverHappened}
		}
	}
	return nil
}

func (r *remembered) reply(c Call, body []byte) *Answer {
	switch {
	case r.op != c.Op || !bytes.Equal(r.body, body):
		return problem(http.StatusUnprocessableEntity, "idempotency key reused", "the key was used for another request")
	case r.answer == nil:
		return problem(http.StatusConflict, "in progress", "a request with this key is being worked on")
	}
	r.replays++
	a := *r.answer
	a.Detail = "replayed"
	return &a
}

// seen tells whether a request with that body was done (dedupe-by-body).
func (m *memory) seen(body []byte) bool {
	for _, r := range m.keys {
		if r.answer != nil && bytes.Equal(r.body, body) {
			return true
		}
	}
	return false
}

// begin marks a key as being worked on.
func (m *memory) begin(c Call, key string, body []byte) {
	if key != "" {
		m.keys[key] = &remembered{op: c.Op, body: body}
	}
}

// finish remembers the answer of a call that had its effect.
func (m *memory) finish(c Call, key string, a Answer) {
	if c.Op.Direction == saga.Action {
		m.done[stepID{c.Op.Saga, c.Op.Step}] = true
	}
	if r := m.keys[key]; r != nil {
		r.answer = &a
	}
}

// abandon forgets a key whose call changed nothing.
func (m *memory) abandon(key string) { delete(m.keys, key) }
