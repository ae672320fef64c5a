package participants

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// Call is an attempt as the wire sees it.
type Call struct {
	Op      saga.Operation
	Attempt int
	Copy    int // number of a copy that the network made, else 0
}

// Answer is what a participant answers. Hangup: nothing, the connection breaks.
type Answer struct {
	Code        int
	Title       string // of a problem (RFC 9457)
	Detail      string
	RetryAfterS int
	Hangup      bool
}

func problem(code int, title, detail string) *Answer {
	return &Answer{Code: code, Title: title, Detail: detail}
}

// Hook is asked at the phases receive and commit. An answer takes the place of
// the participant's own: at receive nothing is done, at commit the effect stays.
// It may block, to hold the attempt still.
type Hook func(c Call, phase saga.Phase) *Answer

// Defects are planted bugs of participants, by name; see Defects.
type Defects map[string]bool

// World is the participants of one cell, their ledgers and their memory.
type World struct {
	profile Profile
	rec     *history.Recorder
	hook    Hook
	defects Defects

	mu      sync.Mutex
	ledgers map[string]*ledger
	mem     *memory
}

// NewWorld opens the books: all accounts at 0, the registers as given.
func NewWorld(p Profile, registers map[string]string, rec *history.Recorder, hook Hook, defects Defects) *World {
	w := &World{profile: p, rec: rec, hook: hook, defects: defects, ledgers: map[string]*ledger{}, mem: newMemory()}
	for name, value := range registers {
		w.ledger(Owner(name)).registers[name] = value
	}
	return w
}

// Owner is the participant that an account or register belongs to: the part
// before the first slash.
func Owner(name string) string {
	p, _, _ := strings.Cut(name, "/")
	return p
}

func (w *World) ledger(participant string) *ledger {
	l := w.ledgers[participant]
	if l == nil {
		l = newLedger()
		w.ledgers[participant] = l
	}
	return l
}

// Handle does one call: records that it was received, asks the hook, applies the
// effect as the profile allows, asks the hook again, and says what to answer.
func (w *World) Handle(c Call, h http.Header, body []byte) Answer {
	e := w.event(c, history.CallReceived)
	e.Key, e.SagaID, e.StepID, e.Trace = Key(h), h.Get("Saga-Id"), h.Get("Saga-Step"), h.Get("Traceparent")
	w.rec.Add(e)
	if a := w.ask(c, saga.Receive); a != nil {
		return *a
	}
	a, changed := w.apply(c, e.Key, body)
	if changed {
		if over := w.ask(c, saga.Commit); over != nil {
			return *over
		}
	}
	return a
}

// Answered records the answer of a call when it is about to leave.
func (w *World) Answered(c Call, a Answer) {
	e := w.event(c, history.CallAnswered)
	e.Code, e.Detail, e.RetryAfterMS = a.Code, a.Detail, a.RetryAfterS*1000
	if a.Hangup {
		e.Detail = "hung up"
	}
	w.rec.Add(e)
}

func (w *World) ask(c Call, p saga.Phase) *Answer {
	if w.hook == nil {
		return nil
	}
	return w.hook(c, p)
}

func (w *World) event(c Call, k history.Kind) history.Event {
	return history.Event{Kind: k, Saga: c.Op.Saga, Step: c.Op.Step, Direction: c.Op.Direction, Attempt: c.Attempt, Copy: c.Copy}
}

// Key is the idempotency key of a request; the quotes of a structured field
// (RFC 8941) are taken off.
func Key(h http.Header) string { return strings.Trim(h.Get("Idempotency-Key"), `"`) }

// apply changes the ledgers under the protection of the profile. The event of
// the effect is recorded under the same lock, so that the order of events is the
// order of effects.
func (w *World) apply(c Call, key string, body []byte) (a Answer, changed bool) {
	effect, err := decode(body)
	if err != nil {
		return *problem(http.StatusBadRequest, "bad body", err.Error()), false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.defects["dedupe-by-body"] && c.Op.Direction == saga.Action && w.mem.seen(body) {
		return Answer{Code: http.StatusOK, Detail: "replayed"}, false
	}
	protected := w.profile != Naive && !(w.defects["no-dedupe"] && c.Op.Direction == saga.Action)
	if protected {
		if a := w.mem.protect(w.guard(), c, key, body); a != nil && !(a.Detail == neverHappened && w.defects["compensate-anyway"]) {
			return *a, false
		}
		w.mem.begin(c, key, body)
	}
	if w.profile == Fenced && !w.defects["blind-writes"] {
		for _, part := range w.split(effect) {
			if wr, now, found := part.ledger.conflict(part.effect); found {
				w.mem.abandon(key)
				return *problem(http.StatusConflict, "conflict", fmt.Sprintf("register %q is %q, expected %q", wr.Register, now, wr.From)), false
			}
		}
	}
	a = Answer{Code: http.StatusOK}
	did := w.book(c, effect)
	if !did.IsZero() {
		e := w.event(c, history.CallCommitted)
		e.Effect = &did
		w.rec.Add(e)
	}
	w.mem.finish(c, key, a)
	return a, true
}

func (w *World) guard() Profile {
	if w.defects["no-tombstone"] && w.profile == Fenced {
		return Keyed
	}
	return w.profile
}

type part struct {
	ledger *ledger
	effect saga.Effect
}

// split divides an effect among the participants whose accounts it touches.
func (w *World) split(e saga.Effect) []part {
	var order []string
	parts := map[string]*saga.Effect{}
	of := func(name string) *saga.Effect {
		p := Owner(name)
		if parts[p] == nil {
			parts[p] = &saga.Effect{}
			order = append(order, p)
		}
		return parts[p]
	}
	for _, p := range e.Postings {
		x := of(p.Account)
		x.Postings = append(x.Postings, p)
	}
	for _, wr := range e.Writes {
		x := of(wr.Register)
		x.Writes = append(x.Writes, wr)
	}
	var out []part
	for _, name := range order {
		out = append(out, part{w.ledger(name), *parts[name]})
	}
	return out
}

func (w *World) book(c Call, e saga.Effect) saga.Effect {
	var did saga.Effect
	for _, p := range w.split(w.distort(c, e)) {
		d := p.ledger.apply(p.effect)
		did.Postings = append(did.Postings, d.Postings...)
		did.Writes = append(did.Writes, d.Writes...)
	}
	return did
}

func decode(body []byte) (saga.Effect, error) {
	var e saga.Effect
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&e); err != nil {
		return e, fmt.Errorf("body %.80q: expected an effect with postings and writes: %w", body, err)
	}
	return e, e.Validate()
}

// Read records the final state of every ledger.
func (w *World) Read() {
	w.mu.Lock()
	defer w.mu.Unlock()
	names := make([]string, 0, len(w.ledgers))
	for name := range w.ledgers {
		names = append(names, name)
	}
	slices.Sort(names)
	if len(names) == 0 {
		w.rec.Add(history.Event{Kind: history.LedgerRead, Participant: "none"})
	}
	for _, name := range names {
		b, r := w.ledgers[name].snapshot()
		w.rec.Add(history.Event{Kind: history.LedgerRead, Participant: name, Balances: b, Registers: r})
	}
}
