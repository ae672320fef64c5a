package reference

import (
	"fmt"
	"time"

	"github.com/sagacheck/sagacheck/reference/definitions"
	"github.com/sagacheck/sagacheck/saga"
)

// held: an operator holds the saga back, so that no attempt of an operation begins.
func (s *State) held(r Ref) bool { return s.rules.Paused(s, r) }

// noLateArrival is the safety margin before an action of unknown outcome is undone: the
// time-out of its last attempt is over, even if the connection broke before, so that the
// network had as long as the policy allows. What arrives later still has to be fenced off by the participant.
func (s *State) noLateArrival(step int) time.Time {
	a := &s.Actions[step]
	if !a.Doubtful || a.Done() {
		return time.Time{}
	}
	return a.began.Add(s.call(Ref{step, saga.Action}).Retry.AttemptTimeout())
}

// ruling is what becomes of a request that is not refused.
type ruling int

// The rulings. What is so already is no mistake.
const (
	asItWas ruling = iota
	changes
	repeats // a request that has changed something
)

// decide tells what an operator asks for changes, or why it can't be. waits: some operation waits
// for its next attempt.
func (s *State) decide(a Asked, waits bool) (ruling, error) {
	if was, known := s.asked[a.Key]; known && a.Key != "" {
		if was.Act != a.Act || was.Step != a.Step {
			return asItWas, ErrOtherRequest
		}
		return repeats, nil
	}
	if a.Expected != "" && a.Expected != s.tag() {
		return asItWas, ErrPreviewOld
	}
	already, err := s.mayAct(a, waits)
	if err != nil || already {
		return asItWas, err
	}
	return changes, nil
}

// mayAct says why something can't be asked for; already: it is so.
func (s *State) mayAct(a Asked, waits bool) (already bool, err error) {
	switch a.Act {
	case saga.ActRollback:
		return s.Failing() && (s.Operator || !s.mayRunAgain()), s.mayRollBack()
	case saga.ActRetry:
		return false, s.mayRetry(waits)
	case saga.ActPause:
		return s.Paused != nil, s.mayPause()
	case saga.ActResume:
		return s.Paused == nil, nil
	case saga.ActSkip:
		return s.maySkip(a.Step)
	case saga.ActEnd:
		return s.ByHand != nil, s.mayEnd()
	}
	return false, fmt.Errorf("act: %q: expected one of %v", a.Act, saga.Acts())
}

func (s *State) mayRollBack() error {
	if s.ByHand != nil {
		return ErrEnded
	}
	return s.operatorMay()
}

// operatorMay tells whether an operator may still ask for the rollback.
func (s *State) operatorMay() error { return s.rules.OperatorMay(s) }

// notTooLate: a pivot under way may already have happened.
func (s *State) notTooLate() error {
	for i, st := range s.Def.Steps {
		if o := &s.Actions[i]; st.Kind == saga.Pivot && (o.Done() || o.Attempts > 0 && !o.Refused() && !s.Failing()) {
			return ErrPastPivot
		}
	}
	if s.status() == saga.Completed {
		return ErrCompleted
	}
	return nil
}

func (s *State) mayRetry(waits bool) error {
	switch {
	case s.Paused != nil:
		return ErrPaused
	case !waits:
		return ErrNothingWaits
	}
	return nil
}

// mayPause: something of the saga may still happen by itself.
func (s *State) mayPause() error {
	if s.Quiet() {
		return ErrEnded
	}
	return nil
}

func (s *State) maySkip(name string) (already bool, err error) {
	i := s.Def.StepIndex(name)
	switch {
	case i < 0:
		return false, &definitions.InvalidError{Field: "step", Reason: fmt.Sprintf("%q: the saga has no such step", name)}
	case s.Critical(i), s.Actions[i].Done(), s.Actions[i].Refused(), s.Failing():
		return false, ErrNotDeferred
	case s.ByHand != nil:
		return false, ErrEnded
	}
	return s.Actions[i].Skipped, nil
}

func (s *State) mayEnd() error {
	switch status := s.status(); {
	case status == saga.EndedByHand || status == saga.Stuck:
		return nil
	case status.Ended():
		return ErrEnded
	case s.Paused == nil:
		return ErrGoesOn
	}
	return nil
}
