package workflows

import "github.com/sagacheck/sagacheck/saga"

// takenBack is where an action notes what of it was taken back: postings.
const takenBack = "taken back"

// TakeBack notes that a compensation, with an effect, undid an action: all of it, or, where each
// tells parts apart, that part. keeps is what stays when all is undone; nil: nothing.
func (a Action) TakeBack(op *Operation, e saga.Effect, keeps *saga.Effect) {
	if op.Each == "" {
		a["undone"] = true
		return
	}
	before, _ := a[takenBack].([]saga.Posting)
	all := append(before[:len(before):len(before)], e.Postings...)
	a[takenBack] = all
	left := map[string]int64{}
	did, _ := a["effect"].(saga.Effect)
	for _, p := range append(all[:len(all):len(all)], did.Postings...) {
		left[p.Account+" "+p.Unit] += p.Amount
	}
	if keeps != nil {
		for _, p := range keeps.Postings {
			left[p.Account+" "+p.Unit] -= p.Amount
		}
	}
	for _, n := range left {
		if n != 0 {
			return
		}
	}
	a["undone"] = true
}

// IsUndone tells whether an action was done and is undone.
func (a Action) IsUndone() bool { return a["undone"] == true }

// Finds tells whether an operation that reads finds an action: one that is there, or, where the
// file says so, one that was undone.
func (op *Operation) Finds(a Action) bool { return op.ShowsUndone || !a.IsUndone() }
