package participants

import (
	"errors"
	"fmt"
	"maps"
	"net/http"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// Drift is a change of a ledger behind everybody's back: no call asked for it.
type Drift string

// The drifts. Each is about what one action did.
const (
	Removed Drift = "removed" // it is not there any more
	Halved  Drift = "amount"  // half of each amount is gone
	Back    Drift = "back"    // it was undone, and is there again
	// Restored: and nobody remembers the key by which it was undone.
	Restored Drift = "restored"
)

// hold takes in what an operation did, for who reads it back: its action's effect is there, or not.
func (w *World) hold(op saga.Operation, did saga.Effect) {
	id := stepID{op.Saga, op.Step}
	if op.Direction == saga.Action {
		w.held[id] = did
		return
	}
	if was, there := w.held[id]; there {
		w.undone[id] = was
	}
	delete(w.held, id)
}

// Held is what there is of a step's action; false: nothing.
func (w *World) Held(id, step string) (saga.Effect, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e, there := w.held[stepID{id, step}]
	return e, there
}

// ReadBack is Held for an orchestrator that asks, under an idempotency key. Where it may decide by that
// whether to call again, between the rounds of a step, it is recorded, before it is told.
func (w *World) ReadBack(id, step, key string) (saga.Effect, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := stepID{id, step}
	e, there := w.held[at]
	if w.rounds[at] && !w.read {
		code := http.StatusNotFound
		if there {
			code = http.StatusOK
		}
		e := history.Event{Kind: history.CallRead, Saga: id, Step: step, Direction: saga.Action, Code: code, Key: key}
		if key == "" {
			e.Detail = history.NoKey
		}
		w.rec.Add(e)
	}
	return e, there
}

// ErrNothingHeld: there is nothing of an action that could be taken away, or come back.
var ErrNothingHeld = errors.New("nothing that can be taken is there, or can come back")

// Drift changes what there is of an action, and records it. The error is ErrNothingHeld.
func (w *World) Drift(op saga.Operation, how Drift, fault int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	id := stepID{op.Saga, op.Step}
	if how == Back || how == Restored {
		err := w.comeBack(op, fault)
		if err == nil && how == Restored {
			maps.DeleteFunc(w.mem.keys, func(_ keyID, cl *claim) bool { return cl.op == op && cl.answer != nil })
		}
		return err
	}
	was, there := w.held[id]
	if !there || len(was.Postings) == 0 {
		return fmt.Errorf("%s: %w", op, ErrNothingHeld)
	}
	var gone, left saga.Effect
	for _, p := range was.Postings {
		kept := p
		if kept.Amount /= 2; how == Removed {
			kept.Amount = 0
		}
		left.Postings = append(left.Postings, kept)
		p.Amount = kept.Amount - p.Amount
		gone.Postings = append(gone.Postings, p)
	}
	if w.held[id] = left; how == Removed {
		delete(w.held, id)
	}
	w.drifted(op, gone, fault)
	return nil
}

// comeBack has there again what a compensation undid, as after its books were restored from before.
func (w *World) comeBack(op saga.Operation, fault int) error {
	id := stepID{op.Saga, op.Step}
	was, there := w.undone[id]
	if _, held := w.held[id]; held || !there || len(was.Postings) == 0 {
		return fmt.Errorf("%s: %w", op, ErrNothingHeld)
	}
	w.held[id] = was
	delete(w.undone, id)
	w.drifted(op, saga.Effect{Postings: was.Postings}, fault)
	return nil
}

// drifted books what nobody asked for, and records it.
func (w *World) drifted(op saga.Operation, effect saga.Effect, fault int) {
	for _, p := range w.split(effect) {
		p.ledger.apply(p.effect)
	}
	w.rec.Add(history.Event{Kind: history.Drifted, Saga: op.Saga, Step: op.Step, Direction: op.Direction, Fault: &fault, Effect: &effect})
}
