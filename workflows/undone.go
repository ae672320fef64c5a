package workflows

import (
	"slices"

	"github.com/sagacheck/sagacheck/saga"
)

// takenBack is where an action notes what of it was taken back: a saga.Effect.
const takenBack = "taken back"

// TakeBack notes that a compensation, with an effect, undid an action: all of it, or, where that
// is undone part by part, a part. keeps is what stays when all is undone; nil: nothing.
func (a Action) TakeBack(op *Operation, e saga.Effect, keeps *saga.Effect) {
	if !op.Undone().InParts() {
		a["undone"] = true
		return
	}
	back, _ := a[takenBack].(saga.Effect)
	back.Postings = slices.Concat(back.Postings, e.Postings)
	back.Writes = slices.Concat(back.Writes, e.Writes)
	a[takenBack] = back
	did, _ := a["effect"].(saga.Effect)
	if balanced(did, back, keeps) && restored(did, back) { // what more is given back changes nothing about that
		a["undone"] = true
	}
}

// balanced tells whether what was taken back leaves nothing on any account of what was done, but for
// what stays.
func balanced(did, back saga.Effect, keeps *saga.Effect) bool {
	left := map[string]int64{}
	for _, p := range slices.Concat(did.Postings, back.Postings) {
		left[p.Account+" "+p.Unit] += p.Amount
	}
	if keeps != nil {
		for _, p := range keeps.Postings {
			left[p.Account+" "+p.Unit] -= p.Amount
		}
	}
	for _, n := range left {
		if n != 0 {
			return false
		}
	}
	return true
}

// restored tells whether each register that was changed was set back.
func restored(did, back saga.Effect) bool {
	return !slices.ContainsFunc(did.Inverse().Writes, func(w saga.Write) bool {
		return !slices.ContainsFunc(back.Writes, func(b saga.Write) bool { return b.Register == w.Register && b.To == w.To })
	})
}

// IsUndone tells whether an action was done and is undone.
func (a Action) IsUndone() bool { return a["undone"] == true }

// Take notes that the service has only taken what was asked for.
func (a Action) Take() { a["pending"] = true }

// Settle notes what became of what was taken.
func (a Action) Settle(declined bool) { a["pending"], a["declined"] = false, declined }

// IsDone tells whether what was asked for was done, as far as the service says: it was not only taken,
// nor declined since.
func (a Action) IsDone() bool { return a["pending"] != true && a["declined"] != true }

// Finds tells whether an operation that reads finds an action: one that is there, or, where the
// file says so, one that was undone, or is not done yet.
func (op *Operation) Finds(a Action) bool {
	return (op.ShowsUndone || !a.IsUndone()) && (op.ShowsPending || a.IsDone())
}

// Parts are the further parts in which a step was undone. Where none of those that were asked for
// changes anything, a draft that nobody confirmed, there is one more, of which nobody asked for: the
// inverse of what was done; unless nothing that undoes the step changes anything.
func (w *Workflow) Parts(step string, done saga.Effect, first saga.Call, further []saga.Call) []saga.Call {
	changes := func(c saga.Call) bool { e, err := c.Effect(); return err != nil || !e.IsZero() }
	i := slices.IndexFunc(w.plan, func(p Planned) bool { return p.Name == step })
	if changes(first) || slices.ContainsFunc(further, changes) || i < 0 || !w.plan[i].Do.givenBack() {
		return further
	}
	first.Body = done.Inverse().Body()
	return append(further, first)
}

// givenBack tells whether anything that undoes an operation changes something.
func (op *Operation) givenBack() bool {
	return slices.ContainsFunc(op.undoneBy, func(u *Operation) bool { return u.effect.inverse || len(u.effect.changes) > 0 })
}
