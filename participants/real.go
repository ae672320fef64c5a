package participants

import (
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// Pass is a call that goes on to a real service of the user's own. What happens inside is
// not known: what it did is what it says that it did.
type Pass struct {
	Key    string      // empty: none was sent
	Effect saga.Effect // what the call asks for
	Done   func() bool // the service has said that it did it
	// Ask passes the call on, and gives the service's answer.
	Ask func() Answer
}

// Pass does a call to a real service. It is Handle for such services: a hook that answers
// does so in the place of the service, which does not see the call.
func (w *World) Pass(c Call, p Pass) Answer {
	e := w.event(c, history.CallReceived)
	e.Key = p.Key
	if !p.Effect.IsZero() {
		e.Effect = &p.Effect
	}
	w.rec.Add(e)
	if a := w.ask(c, Arrived); a != nil {
		return *a
	}
	if !p.Done() { // no rule of a business refuses what was done
		if a := w.ask(c, Deciding); a != nil {
			return *a
		}
	}
	return p.Ask()
}

// Said records an effect that a real service has told of, with its names for that and for
// the one that is undone; named: the first of them is the service's own. No ledger of ours
// changes.
func (w *World) Said(c Call, did saga.Effect, ref, of string, named bool) {
	e := w.event(c, history.CallCommitted)
	e.Effect, e.Ref, e.Of = &did, ref, of
	if !named {
		e.Detail = history.Unnamed
	}
	w.rec.Add(e)
}
