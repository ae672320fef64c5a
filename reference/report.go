package reference

import "github.com/sagacheck/sagacheck/saga"

// status is the saga's state in the contract's words.
func (s *State) status() saga.Status { return s.rules.Status(s) }

func (s *State) defaultStatus() saga.Status {
	switch {
	case s.ByHand != nil:
		return saga.EndedByHand
	case s.rules.Stuck(s):
		return saga.Stuck
	case s.Failing() && (s.all.left() || s.again()):
		return saga.Compensating
	case s.Failing():
		return saga.Compensated
	case s.all.missing():
		return saga.Running
	}
	return saga.Completed
}

// Quiet: nothing will ever happen to the saga again.
func (s *State) Quiet() bool { return !s.all.open() && len(next(s)) == 0 && !s.again() }

// report is what is so.
func (s *State) report() saga.Report {
	r := saga.Report{ID: s.Def.ID, Status: s.status(), Version: s.Def.Version, Steps: make([]saga.StepStatus, len(s.Def.Steps)), Paused: s.Paused, ByHand: s.ByHand}
	if s.Def.HasRounds() {
		r.Round = s.Round()
	}
	for i, st := range s.Def.Steps {
		r.Steps[i] = saga.StepStatus{Name: st.Name, Status: s.rules.StepState(s, i), Attempts: s.Actions[i].Attempts}
	}
	return r
}

func (s *State) defaultStepState(i int) saga.StepState {
	o, u := &s.Actions[i], &s.Undos[i]
	switch {
	case u.Done():
		return saga.StepCompensated
	case u.Refused() || u.Exhausted:
		return saga.StepFailed
	case u.Attempts > 0:
		return saga.StepCompensating
	case o.Done():
		return saga.StepSucceeded
	case o.Refused() || o.Skipped:
		return saga.StepFailed
	case o.Exhausted && s.Def.Steps[i].Kind == saga.Deferrable && !s.Failing():
		return saga.StepDeferred
	case o.Exhausted:
		return saga.StepFailed
	case o.Attempts == 0:
		return saga.StepPending
	case s.Failing() && !o.Open && !s.mustLearn(i):
		return saga.StepFailed
	}
	return saga.StepRunning
}
