package participants

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/garble"
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
	// RetryAfterDate: the Retry-After is sent as an HTTP date, the first full second
	// that is at least RetryAfterS away.
	RetryAfterDate bool
	Hangup         bool
	Garble         garble.How // of the hook: how the own answer is to be garbled; else: how it was
	Amiss          error      // why an answer could not be garbled as the hook asked
	// Header and Body are those of a service of the user's own; a nil Body stands for
	// the participants' own words.
	Header http.Header
	Body   []byte
	Raw    []byte   // of a real service: the whole answer as it is given on, in place of Header and Body
	Exact  bool     // of a real service in memory: Header and Body are given on as they are
	Ref    string   // of such a service: its own name for the effect
	Told   []string // of a read-back: the names of the effects that there are
	Shown  string   // the body as it is recorded
	// Pending: the service has taken the call, and tells of its end by a call of its own.
	Pending bool
	// Declined: it will tell that it refuses.
	Declined bool

	retryAt time.Time // of a RetryAfterDate, set when the answer is given
}

// given fixes the date of a Retry-After.
func (a Answer) given(now time.Time) Answer {
	if a.RetryAfterDate {
		a.retryAt = now.Add(time.Duration(a.RetryAfterS)*time.Second + time.Second - 1).Truncate(time.Second)
	}
	return a
}

// retryAfter is the header's value, and how long it asks to wait.
func (a Answer) retryAfter(now time.Time) (value string, wait time.Duration) {
	switch {
	case a.Raw != nil || a.Exact: // what a real service asks for stands in its header already
		return "", asked(a.Header.Get("Retry-After"), now)
	case !a.retryAt.IsZero():
		return a.retryAt.UTC().Format(http.TimeFormat), a.retryAt.Sub(now)
	case a.RetryAfterS > 0:
		return strconv.Itoa(a.RetryAfterS), time.Duration(a.RetryAfterS) * time.Second
	}
	return "", 0
}

// asked is how long a Retry-After asks to wait (RFC 9110, 10.2.3); 0: it is none.
func asked(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

func problem(code int, title, detail string) *Answer {
	return &Answer{Code: code, Title: title, Detail: detail}
}

// Moment is a moment in the handling of a call at which the hook is asked.
type Moment int

// The moments, in the order in which a call passes them.
const (
	// Arrived: the request is there and nothing is done, nor looked up: what
	// answers now stands in front of the participant (a gateway, a limit) or is
	// its crash. The phase receive.
	Arrived Moment = iota
	// Deciding: the request is a new one, neither a replay nor too late, and would
	// have its effect now: what answers is a rule of the business. The phase
	// receive, too. The hook must not block here.
	Deciding
	// Committed: the effect is done. The phase commit.
	Committed
)

// Phase is the phase of the attempt that the moment lies in.
func (m Moment) Phase() saga.Phase {
	if m == Committed {
		return saga.Commit
	}
	return saga.Receive
}

// Hook is asked at each moment. An answer takes the place of the participant's
// own: before the effect nothing is done, after it the effect stays. Except when
// deciding it may block, to hold the attempt still.
type Hook func(c Call, m Moment) *Answer

// World is the participants of one cell, their ledgers and their memory.
type World struct {
	profile Profile
	rec     *history.Recorder
	hook    Hook
	rules   *Rules
	bodies  map[saga.Operation][]byte // that calls should have

	mu      sync.Mutex
	ledgers map[string]*ledger
	opened  map[string]string // what registers were found to hold before they were changed
	mem     *memory
	held    map[stepID]saga.Effect // what there is of each action, for who reads it back
	undone  map[stepID]saga.Effect // what there was of each, before it was undone
	rounds  map[stepID]bool        // that are attempted in rounds, between which they are read back
	read    bool                   // the ledgers have been read: what comes later is in no history
}

// NewWorld opens the books: all accounts at 0, the registers as given. Rules nil: the
// right ones.
func NewWorld(p Profile, registers map[string]string, rec *history.Recorder, hook Hook, rules *Rules) *World {
	if rules == nil {
		rules = DefaultRules()
	}
	w := &World{profile: p, rec: rec, hook: hook, rules: rules, ledgers: map[string]*ledger{}, opened: map[string]string{}, mem: newMemory(), held: map[stepID]saga.Effect{}, undone: map[stepID]saga.Effect{}}
	for name, value := range registers {
		w.ledger(Owner(name)).registers[name] = value
	}
	return w
}

// Expect tells the world the sagas whose calls it gets: a body that is not, byte
// for byte, the one of the definition is recorded. It must be called before the
// first call; without it no body is.
func (w *World) Expect(defs []saga.Definition) {
	w.bodies, w.rounds = map[saga.Operation][]byte{}, map[stepID]bool{}
	for _, d := range defs {
		for _, s := range d.AllRounds() {
			w.bodies[saga.Operation{Saga: d.ID, Step: s.Name, Direction: saga.Action}] = s.Action.Body
			w.rounds[stepID{d.ID, s.Name}] = s.HasRounds()
			if s.Compensation != nil {
				w.bodies[saga.Operation{Saga: d.ID, Step: s.Name, Direction: saga.Compensation}] = s.Compensation.Body
			}
		}
	}
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

// Answered records the answer of a call when it is about to leave.
func (w *World) Answered(c Call, a Answer) {
	e := w.event(c, history.CallAnswered)
	_, wait := a.retryAfter(time.Now())
	e.Code, e.Detail, e.RetryAfterMS = a.Code, a.Detail, int(wait.Milliseconds())
	if a.Body != nil { // a service of the user's own
		e.Ref, e.Reply = a.Ref, &history.Message{Body: a.Shown}
	}
	e.Garbled, e.Pending, e.Declined = string(a.Garble), a.Pending, a.Declined
	if a.Hangup {
		e.Detail = "hung up"
	}
	w.rec.Add(e)
}

func (w *World) ask(c Call, m Moment) *Answer {
	if w.hook == nil {
		return nil
	}
	return w.hook(c, m)
}

func (w *World) event(c Call, k history.Kind) history.Event {
	return history.Event{Kind: k, Saga: c.Op.Saga, Step: c.Op.Step, Direction: c.Op.Direction, Part: c.Op.Part, Attempt: c.Attempt, Copy: c.Copy}
}

// Key is the idempotency key of a request; the quotes of a structured field
// (RFC 8941) are taken off.
func Key(h http.Header) string { return strings.Trim(h.Get("Idempotency-Key"), `"`) }

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
	booked := saga.Effect{Writes: e.Writes}
	for _, p := range e.Postings {
		booked.Postings = append(booked.Postings, w.rules.Books(c.Op, p))
	}
	for _, p := range w.split(booked) {
		d := p.ledger.apply(p.effect)
		did.Postings = append(did.Postings, d.Postings...)
		did.Writes = append(did.Writes, d.Writes...)
	}
	return did
}

func decode(body []byte) (saga.Effect, error) {
	var request struct {
		saga.Effect
		Note json.RawMessage `json:"note"` // for nobody
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&request); err != nil {
		return saga.Effect{}, fmt.Errorf("body %.80q: expected an effect with postings and writes: %w", body, err)
	}
	return request.Effect, request.Effect.Validate()
}

// Read records the final state of every ledger.
func (w *World) Read() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.read = true
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
