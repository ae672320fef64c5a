package reference

import (
	"slices"

	"github.com/sagacheck/sagacheck/saga"
)

// next lists the operations that the state asks for: those to be started, and
// those under way that may still be attempted again.
func next(s *State) []Ref {
	return slices.DeleteFunc(s.all.candidates(), func(r Ref) bool { return !s.wants(r) })
}

func (s *State) wants(r Ref) bool {
	if s.rules.Over(s, r) {
		return false
	}
	if r.Dir == saga.Action {
		return s.wantsAction(r.Step)
	}
	return s.wantsUndo(r.Step)
}

func (s *State) wantsAction(i int) bool {
	o := &s.Actions[i]
	switch {
	case o.Settled():
		return false
	case s.Failing():
		return s.rules.OnTheWayBack(s, i)
	case o.Exhausted && !s.rules.Deferred(s, i):
		return false
	}
	return s.rules.Ready(s, i)
}

// Critical: the saga can't complete without the step.
func (s *State) Critical(i int) bool { return s.rules.Critical(s, i) }

// Satisfied: as far as a step goes, or another node of the order, those after it may
// start.
func (s *State) Satisfied(i int) bool {
	if i >= s.graph.steps {
		return s.all.passed(i)
	}
	return s.rules.Satisfied(s, i)
}

// lets: a deferrable step holds those after it up no longer than its first budget.
func (s *State) lets(i int) bool {
	o := &s.Actions[i]
	if s.Critical(i) {
		return o.Done()
	}
	return o.Settled() || o.Exhausted
}

// AnyFailed: some step will not succeed any more, and that matters.
func (s *State) AnyFailed() bool { return s.all.failed() }

// PastPivot: a pivot has succeeded; from now on nothing is ever undone.
func (s *State) PastPivot() bool { return s.all.pivotDone() }

// Failing: the saga is on its way back. No new step starts, none is retried.
func (s *State) Failing() bool { return s.all.failing() }

// mustLearn: a pivot of unknown outcome that can't be undone has to be attempted
// until its outcome is known, since everything depends on it.
func (s *State) mustLearn(i int) bool {
	st, o := &s.Def.Steps[i], &s.Actions[i]
	return st.Kind == saga.Pivot && st.Compensation == nil && o.Attempts > 0 && !o.Settled() && !o.Exhausted
}

// undecided: a pivot may still turn out to have succeeded, so that nothing may
// be undone yet.
func (s *State) undecided() bool { return s.all.pivotUnsure() }

// NeedsUndo: the action has, or may have, an effect that is to be compensated.
func (s *State) NeedsUndo(i int) bool {
	return s.Def.Steps[i].Compensation != nil && s.rules.NeedsUndo(s, i)
}

// mayHaveEffect: the action succeeded, or some attempt of it may have. A refusal
// counts as "nothing was done" only for the attempt that it answers.
func (s *State) mayHaveEffect(i int) bool {
	o := &s.Actions[i]
	return o.Attempts > 0 && (o.Open || o.Done() || o.Doubtful)
}

// Undone: nothing of step i is left, or ever will be.
func (s *State) Undone(i int) bool {
	return !s.Actions[i].Open && (!s.NeedsUndo(i) || s.Undos[i].Done())
}

func (s *State) wantsUndo(i int) bool {
	u := &s.Undos[i]
	if !s.goesBack(i) || !s.NeedsUndo(i) || s.Actions[i].Open || u.Settled() || u.Exhausted || s.undecided() {
		return false
	}
	return s.rules.MayUndo(s, i)
}
