package saga

import (
	"slices"
	"strings"
)

// The versions of a definition that is changed while a saga of it is under way.
const (
	FirstVersion = "1"
	NextVersion  = "2"
)

// Next is the next version of a definition: the first two steps behind the first one that can change places do so.
// Not ok: it can't be told from outside by which of the two a saga goes, or the sagas of both would get into each
// other's way: the first step can't be undone, or several begin; or something is shared, as a breaker or a register.
func (d Definition) Next() (next Definition, ok bool) {
	if len(d.Steps) < 2 || d.Steps[0].Kind != Compensatable || d.Steps[0].Compensation == nil || len(d.Fallbacks()) > 0 || d.Budget != (Budget{}) {
		return d, false
	}
	for i, s := range d.Steps {
		if (i > 0) != (len(d.Predecessors(i)) > 0) || s.Action.shares(d.ID) || s.Compensation != nil && s.Compensation.shares(d.ID) {
			return d, false
		}
	}
	d.Version, d.Steps = NextVersion, slices.Clone(d.Steps)
	if i := d.swappable(); i > 0 {
		d.Steps[i], d.Steps[i+1] = d.Steps[i+1], d.Steps[i]
	}
	return d, true
}

// Swaps are the two steps that have changed places in the next version; empty: none have.
func (d Definition) Swaps() (first, second string) {
	if _, ok := d.Next(); !ok {
		return "", ""
	}
	i := d.swappable()
	if i == 0 {
		return "", ""
	}
	return d.Steps[i].Name, d.Steps[i+1].Name
}

// swappable is the first step that can change places with the one behind it; 0: none can. Steps come one after the
// other, and the two have nothing to do with each other.
func (d Definition) swappable() int {
	if slices.ContainsFunc(d.Steps, func(s Step) bool { return s.After != nil }) {
		return 0
	}
	for i := 1; i+1 < len(d.Steps); i++ {
		a, b := d.Steps[i], d.Steps[i+1]
		if a.Kind != Compensatable || b.Kind != Compensatable {
			continue
		}
		x, err := a.Action.Effect()
		y, err2 := b.Action.Effect()
		if err == nil && err2 == nil && !slices.ContainsFunc(x.places(), func(p string) bool { return slices.Contains(y.places(), p) }) {
			return i
		}
	}
	return 0
}

// places are the accounts and registers that an effect changes.
func (e Effect) places() (all []string) {
	for _, p := range e.Postings {
		all = append(all, p.Account)
	}
	for _, w := range e.Writes {
		all = append(all, w.Register)
	}
	return all
}

// shares tells whether a call of a saga has something in common with calls of another that may hold one of them back.
func (c Call) shares(id string) bool {
	e, err := c.Effect()
	return err != nil || c.Breaker != nil || c.RetryBudget != nil || !c.Retry.Adaptive.IsZero() || c.Retry.Rounds > 1 ||
		slices.ContainsFunc(e.Writes, func(w Write) bool { return !strings.Contains(w.Register, id) })
}
