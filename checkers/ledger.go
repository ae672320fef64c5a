package checkers

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// Entry is an account ("account unit") or a register at the end of a cell. Want is what the sagas that ended
// explain, and Held what the ledgers showed, both as text: an account's number with its sign, a register
// quoted. An empty Want is not known, since a saga that touched it has not ended, or is no ground to judge
// by; an empty Held was shown by no ledger.
type Entry struct {
	Name string `json:"name"`
	Want string `json:"want,omitempty"`
	Held string `json:"held,omitempty"`
}

// Wrong tells whether both are known and differ.
func (e Entry) Wrong() bool { return e.Want != "" && e.Held != "" && e.Want != e.Held }

// Ledger sets what the ledgers hold at the end of a cell against what double-credit says that they should:
// every account and register that a saga of the cell touched or was to touch, by name. It is nil where no
// ledger was read.
func Ledger(h *history.History, ix *history.Index) []Entry {
	if len(ix.Ledgers) == 0 {
		return nil
	}
	f := finalState(h, ix)
	want, open := wanted(h, ix)
	var all []Entry
	for name, w := range want {
		e := Entry{Name: name, Want: w}
		if open[name] || f.open[name] {
			e.Want = ""
		}
		if held, there := f.held(name); there {
			e.Held = signed(held)
		}
		e.Want = signed(e.Want)
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b Entry) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// signed gives a positive number its sign.
func signed(number string) string {
	if number != "" && number[0] > '0' && number[0] <= '9' {
		return "+" + number
	}
	return number
}

// wanted is what each account and register should hold, and those of which that is open.
func wanted(h *history.History, ix *history.Index) (want map[string]string, open map[string]bool) {
	want, open = map[string]string{}, map[string]bool{}
	b, t := newBooks(), newTally(DoubleCredit{})
	for _, s := range ix.Sagas {
		b.add(t, h, s)
		if s.Ended == nil || s.Ended.Status == saga.Compensated && slices.ContainsFunc(opsOf(s), (*history.OpRecord).Misled) {
			for _, o := range opsOf(s) {
				for _, e := range o.Effects {
					for account := range accountsOf(e) {
						want[account], open[account] = "", true
					}
				}
			}
		}
	}
	for _, account := range b.accounts() {
		want[account] = fmt.Sprint(b.explained[account])
	}
	for _, e := range ix.Drifts { // somebody else's doing explains nothing, and is no saga's
		for account := range accountsOf(e) {
			want[account], open[account] = "", true
		}
	}
	for _, r := range registersOf(h, ix) {
		want[r.name], open[r.name] = "", true
		if writers := writersOf(t, r, ix); len(writers) > 0 {
			if values, _ := explain(r, writers); len(values) == 1 {
				want[r.name], open[r.name] = fmt.Sprintf("%q", values[0]), false
			}
		}
	}
	return want, open
}
