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
	case len(do.Effects) > 0:
		return step.Parts == nil && undo != nil && len(undo.Effects) >= len(do.Effects)
	case undo != nil:
		return true
	}
	return slices.ContainsFunc(do.Attempts, func(a *Attempt) bool {
		may, _ := h.Refused(do.Op, a)
		return may
	})
}
