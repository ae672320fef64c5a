package workflows

import (
	"fmt"
	"slices"

	"github.com/sagacheck/sagacheck/saga"
)

// Kept is what stays of an action when it has been undone, as the operations say that undo it.
type Kept struct {
	by    []*Operation                // all that undo it
	stays map[*Operation]*saga.Effect // of those that say so
	did   []*Operation                // those that have undone it, or a part of it
}

// Keeps is what stays of what the call has done when it has been undone.
func (c *Call) Keeps(s SagaVars, a Action) (*Kept, error) {
	k := &Kept{by: c.Op.undoneBy, stays: map[*Operation]*saga.Effect{}}
	for _, undo := range c.Op.undoneBy {
		if undo.Keeps == nil {
			continue
		}
		env := map[string]any{"action": map[string]any(a), "saga": map[string]any{"id": s.ID}, "id": s.Own, "start": s.Start.vars}
		e, err := undo.keeps.of(undo, s, env, nil)
		if err != nil {
			return k, fmt.Errorf("services.%s.operations.%s.keeps: %w", undo.Service, undo.Name, err)
		}
		k.stays[undo] = &e
	}
	return k, nil
}

// Undo notes that an operation has undone the action, or a part of it; one that changed nothing has
// not.
func (k *Kept) Undo(op *Operation, e saga.Effect) {
	if k != nil && !e.IsZero() {
		k.did = append(k.did, op)
	}
}

// Effect is what stays: as the last operation says that undid something and lets something stay,
// whatever others would; while none has, as the first says that would. Nil: nothing stays.
func (k *Kept) Effect() *saga.Effect {
	if k == nil {
		return nil
	}
	for _, op := range slices.Backward(k.did) {
		if e := k.stays[op]; e != nil {
			return e
		}
	}
	if len(k.did) > 0 {
		return nil
	}
	for _, op := range k.by {
		if e := k.stays[op]; e != nil {
			return e
		}
	}
	return nil
}
