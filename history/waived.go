package history

import (
	"slices"

	"github.com/sagacheck/sagacheck/saga"
)

// Waive marks the steps without which sagas of a user's own workflow went on (saga.Step.Waived), of
// those that are optional, and takes them out of the way of others. optional is asked for a
// step's name without the number of its instance.
func (h *History) Waive(optional func(step string) bool) {
	ix := NewIndex(h)
	for i := range h.Header.Definitions {
		d := &h.Header.Definitions[i]
		for j, step := range d.Steps {
			if name, _ := saga.CutInstance(step.Name); optional(name) && h.wentWithout(ix.Saga(d.ID), step) {
				d.Steps = saga.Bypass(d.Steps, step.Name)
				d.Steps[j].Waived = true
			}
		}
	}
}

// wentWithout tells whether a step that was called came to nothing: its service refused it, or the
// workflow undid it.
func (h *History) wentWithout(s *SagaRecord, step saga.Step) bool {
	do, undo := s.Op(step.Name, saga.Action), s.Op(step.Name, saga.Compensation)
	switch {
	case do == nil:
		return false
	case len(do.Effects) > 0 && step.Parts != nil:
		return s.gaveBack(step)
	case len(do.Effects) > 0:
		return undo != nil && len(undo.Effects) >= len(do.Effects)
	case undo != nil:
		return true
	}
	return slices.ContainsFunc(do.Attempts, func(a *Attempt) bool {
		may, _ := h.Refused(do.Op, a)
		return may
	})
}

// gaveBack tells whether the parts of an undo left nothing of what the step did, but for what stays.
func (s *SagaRecord) gaveBack(step saga.Step) bool {
	took, gave := map[saga.Posting]int64{}, map[saga.Posting]int64{}
	var owed []saga.Write
	for _, e := range s.Op(step.Name, saga.Action).Effects {
		book(took, e.Effect, 1)
		book(took, step.Keeps, -1)
		if e.Effect != nil {
			owed = append(owed, e.Effect.Inverse().Writes...)
		}
	}
	for _, undo := range s.Undos(step.Name) {
		for _, e := range undo.Effects {
			book(gave, e.Effect, 1)
			if e.Effect != nil {
				owed = without(owed, e.Effect.Writes)
			}
		}
	}
	for account, n := range took {
		if rest := n + gave[account]; n > 0 && rest > 0 || n < 0 && rest < 0 {
			return false
		}
	}
	return len(owed) == 0
}

// book adds the postings of an effect, times so often, to the balance of each account and unit.
func book(balances map[saga.Posting]int64, e *saga.Effect, times int64) {
	if e == nil {
		return
	}
	for _, p := range e.Postings {
		balances[saga.Posting{Account: p.Account, Unit: p.Unit}] += times * p.Amount
	}
}

// without takes off what is written, each once: where a register ends up is what counts.
func without(owed, written []saga.Write) []saga.Write {
	for _, w := range written {
		if i := slices.IndexFunc(owed, func(o saga.Write) bool { return o.Register == w.Register && o.To == w.To }); i >= 0 {
			owed = slices.Delete(owed, i, i+1)
		}
	}
	return owed
}
