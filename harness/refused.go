package harness

import (
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// anew puts what was asked for after a refusal in the place of what was refused: nothing of
// that was done, and whoever tries another card then asks for nothing else. It tells whether
// that was anything.
func (r *router) anew(h *history.History) (changed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rec := range history.NewIndex(h).Sagas {
		s := r.sagas[rec.ID]
		for _, o := range rec.Ops {
			ask, asked := s.asked[o.Op]
			if e := askedAnew(h, o); asked && e != nil {
				ask.Effect = *e
				s.asked[o.Op] = ask
				changed = true
			}
		}
	}
	return changed
}

// askedAnew is what an operation asked for after the last refusal, where nothing had been done
// before; nil: there was none, or nobody asked again.
func askedAnew(h *history.History, o *history.OpRecord) (e *saga.Effect) {
	refused := false
	for _, a := range o.Attempts {
		if refused && len(a.Received) > 0 && a.Received[0].Effect != nil {
			e, refused = a.Received[0].Effect, false
		}
		if len(a.Committed) > 0 {
			return e
		}
		if no, _ := h.Refused(o.Op, a); no {
			refused = true
		}
	}
	return e
}

// doneBy is the effect that an operation has had, or else what it asked for.
func (s *ownSaga) doneBy(op saga.Operation, asked saga.Effect) saga.Effect {
	if i := slices.IndexFunc(s.actions, func(a *ownAction) bool { return a.at == op }); i >= 0 {
		return s.actions[i].done.Effect
	}
	return asked
}
