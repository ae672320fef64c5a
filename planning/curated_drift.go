package planning

import (
	"slices"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// driftLater is how many milliseconds after an action its effect drifts, so that it shows whether
// sagas are looked at that have ended.
const driftLater = 400

// drifts changes what the first step that can be read back did: all of it is gone at once, half
// of it later, and later all of it, too; and what was undone is there again.
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
		break
	}
	e.comesBack()
}

// comesBack has what the first step that can be read back did there again, after it was undone.
func (e *ending) comesBack() {
	for _, s := range e.d.Steps {
		if s.ReadBack == "" || s.Compensation == nil {
			continue
		}
		at := saga.FailurePoint{Step: s.Name, Direction: saga.Compensation, Attempt: 1, Phase: saga.Commit}
		for _, trigger := range triggers(e.d, s, saga.Compensation) {
			if e.add(slices.Concat(trigger, []faults.Fault{drifted(at, faults.DriftBack, driftLater)})...) {
				e.add(slices.Concat(trigger, []faults.Fault{drifted(at, faults.DriftRestored, driftLater)})...)
				e.killedInRepair(s, trigger)
				return
			}
		}
	}
}

// killedInRepair kills the process while what came back is being undone once more: when the call has come to the participant, and
// when it is done and nobody has heard of it. What is remembered of the key leaves it there; where nothing is, it is gone.
func (e *ending) killedInRepair(s saga.Step, trigger []faults.Fault) {
	if !e.a.Repairs || !e.a.Process {
		return
	}
	at := saga.FailurePoint{Step: s.Name, Direction: saga.Compensation, Attempt: 1, Phase: saga.Commit}
	for _, as := range []string{faults.DriftBack, faults.DriftRestored} {
		for _, phase := range []saga.Phase{saga.Receive, saga.Response} {
			p, ok := e.sure(append(slices.Clone(trigger), drifted(at, as, driftLater)))
			if !ok {
				continue
			}
			kill := killed(saga.FailurePoint{Step: s.Name, Direction: saga.Compensation, Attempt: 2, Phase: phase}, s.Compensation.Retry)
			kill.Saga = p.Faults[len(p.Faults)-1].Saga
			p.Faults = append(p.Faults, kill)
			e.plans = append(e.plans, p)
		}
	}
}
