package planning

import (
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// driftLater is how many milliseconds after an action its effect drifts, so that it shows whether
// sagas are looked at that have ended.
const driftLater = 400

// drifts changes what the first step that can be read back did: all of it is gone at once, half
// of it later, and later all of it, too.
func (e *ending) drifts() {
	if !e.a.Reconciles {
		return
	}
	for _, s := range e.d.Steps {
		if s.ReadBack == "" {
			continue
		}
		at := point(s.Name, 1, saga.Commit)
		e.add(drifted(at, faults.DriftRemoved, 0))
		e.add(drifted(at, faults.DriftAmount, 0))
		e.add(drifted(at, faults.DriftRemoved, driftLater))
		return
	}
}
