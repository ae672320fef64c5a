package participants

import (
	"maps"
	"net/http"
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// Done is an effect that a service of the user's own has had.
type Done struct {
	Ref    string // the service's own name for it
	Op     saga.Operation
	Effect saga.Effect
	undone []saga.Effect
}

// Repeat says what a service does with a call whose effect is there already, under
// whatever key.
type Repeat string

// The ways to repeat.
const (
	Again      Repeat = "again"       // it does it again
	SameAnswer Repeat = "same-answer" // it says what it said
	Refused    Repeat = "refused"     // it answers Ask.Repeated
)

// Ask is a call to a service of the user's own, as the workflow's file reads it.
type Ask struct {
	Profile Profile
	Key     string // empty: none was sent
	Keys    Keys
	Effect  saga.Effect
	Undoes  *Done // for a compensation that names an effect
	// Missing is the answer of a compensation that names an effect which is not there;
	// nil: it names one, or none has to be named.
	Missing *Answer
	// Tried: (with Missing) it names an action that was asked for, and may still come: where
	// tombstones are left, that is too late then.
	Tried bool
	// Again asks anew where it was missing when the call left: what it names may have been done
	// since; nil: it was not. It is called under the lock of the world; absent: nobody looks.
	Again    func() *Ask
	Repeat   Repeat
	Repeated Answer
	Whole    bool   // a compensation that is one call, or one of several ways to make it
	Path     string // of the request: what another one asks for is no repeat
	// Meant is its body as far as it means anything: another one under the same key is another
	// request.
	Meant []byte
	// Declined is what is answered where the service takes the call, and refuses it later, by a
	// call of its own; nil: it refuses at once. It is called under the lock of the world.
	Declined func(Done) Answer
	// Answer is what is answered when the effect is done. It is called under the lock of
	// the world.
	Answer func(Done) Answer
}

// Open gives registers that an action is to change, and of which nobody has said yet what they
// hold, the value that the action expects there.
func (w *World) Open(action saga.Effect) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, wr := range action.Writes {
		l := w.ledger(Owner(wr.Register))
		if _, known := l.registers[wr.Register]; known || wr.From == "" {
			continue
		}
		l.registers[wr.Register], w.opened[wr.Register] = wr.From, wr.From
	}
}

// Opened are the values that registers were given so, by name.
func (w *World) Opened() map[string]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.opened)
}

// Do does a call to a service of the user's own. It is Handle for such services.
func (w *World) Do(c Call, ask Ask) Answer {
	e := w.event(c, history.CallReceived)
	e.Key = ask.Key
	if !ask.Effect.IsZero() {
		e.Effect = &ask.Effect
	}
	w.rec.Add(e)
	r := &request{call: c, profile: ask.Profile, key: ask.Key, keys: ask.Keys, body: ask.Meant}
	w.claim(r)
	if a := w.ask(c, Arrived); a != nil {
		w.drop(r)
		return *a
	}
	w.await(r)
	a, changed := w.applyAsk(r, ask)
	if !changed {
		return a
	}
	if over := w.ask(c, Committed); over != nil { // the service itself has answered, and remembers that
		return over.insteadOf(a, ask.Effect)
	}
	return a
}

// Look answers a question for what a service of the user's own has done, which changes
// nothing.
func (w *World) Look(c Call, tell func() Answer) Answer {
	if a := w.ask(c, Arrived); a != nil {
		return *a
	}
	return tell()
}

// applyAsk changes the ledgers, under the protection of the service.
func (w *World) applyAsk(r *request, ask Ask) (a Answer, changed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if a := w.refuseAsk(r, &ask); a != nil {
		w.mem.refuse(r, *a)
		w.mem.drop(r)
		return *a, false
	}
	done := Done{Op: r.call.Op, Effect: ask.Effect}
	a = ask.Answer(done)
	done.Ref = a.Ref
	of := ""
	if ask.Undoes != nil {
		of = ask.Undoes.Ref
		ask.Undoes.undone = append(ask.Undoes.undone, ask.Effect)
	}
	w.commit(r.call, ask.Effect, done.Ref, of)
	if r.call.Op.Direction == saga.Action {
		w.mem.done[stepID{r.call.Op.Saga, r.call.Op.Step}] = true
	}
	if _, again := w.mem.first[repeated(r.call, ask)]; !again {
		w.mem.first[repeated(r.call, ask)] = a
	}
	w.mem.finish(r, a)
	return a, true
}

// refuseAsk is the answer of a call that is to change nothing; nil: go on.
func (w *World) refuseAsk(r *request, ask *Ask) *Answer {
	c := r.call
	protected := w.protected(r)
	if protected {
		if a := w.mem.known(w.rules.Tombstones(r.profile), r); a != nil {
			return a
		}
		w.mem.claim(r) // whoever had the key may have changed nothing meanwhile
	}
	if a := w.ask(c, Deciding); a != nil {
		if ask.Declined != nil && saga.Classify(a.Code) == saga.Permanent {
			*a = ask.Declined(Done{Op: c.Op, Effect: ask.Effect})
		}
		return a
	}
	if ask.Missing != nil && ask.Again != nil {
		if again := ask.Again(); again != nil {
			*ask = *again
		}
	}
	if ask.Missing != nil {
		if protected && ask.Tried {
			w.mem.undoes(w.rules.Tombstones(r.profile), c)
		}
		a := *ask.Missing
		a.Detail = history.NamesNothing
		return &a
	}
	first, there := w.mem.first[repeated(c, *ask)]
	if there {
		switch ask.Repeat {
		case SameAnswer:
			first.Detail = history.Replayed
			return &first
		case Refused:
			a := ask.Repeated
			a.Detail = history.DoneBefore
			return &a
		}
	}
	if protected && !w.mem.undoes(w.rules.Tombstones(r.profile), c) && ask.Undoes == nil {
		return &Answer{Code: http.StatusOK, Detail: neverHappened}
	}
	if r.profile == Fenced && ask.Undoes != nil && ask.Undoes.exceeded(ask.Effect) {
		why := history.MoreThanTaken
		if there || ask.Whole && ask.Undoes.undoneOn(ask.Effect) { // the same again, which is not done twice
			why = history.DoneBefore
		}
		return problem(http.StatusUnprocessableEntity, "more than was done", why)
	}
	return nil
}

// undoneOn tells whether something was undone already on each account that one more undoing books on.
func (d *Done) undoneOn(more saga.Effect) bool {
	return !slices.ContainsFunc(more.Postings, func(p saga.Posting) bool {
		return !slices.ContainsFunc(d.undone, func(e saga.Effect) bool {
			return slices.ContainsFunc(e.Postings, func(q saga.Posting) bool { return q.Account == p.Account && q.Unit == p.Unit })
		})
	})
}

// repeated is what two calls have in common that ask for the same thing.
func repeated(c Call, ask Ask) repeatKey {
	if ask.Undoes != nil {
		return repeatKey{c.Op, ask.Undoes.Ref}
	}
	return repeatKey{c.Op, ask.Path}
}

type repeatKey struct {
	op saga.Operation
	of string // the effect that is undone, or else the path
}

// exceeded tells whether undoing one more part takes more back from an account than was
// given, or the other way round.
func (d *Done) exceeded(more saga.Effect) bool {
	left := map[string]int64{}
	for _, p := range d.Effect.Postings {
		left[p.Account+" "+p.Unit] += p.Amount
	}
	for _, e := range slices.Concat(d.undone, []saga.Effect{more}) {
		for _, p := range e.Postings {
			before, touched := left[p.Account+" "+p.Unit]
			if !touched {
				continue
			}
			after := before + p.Amount
			if before >= 0 && after < 0 || before <= 0 && after > 0 {
				return true
			}
			left[p.Account+" "+p.Unit] = after
		}
	}
	return false
}
