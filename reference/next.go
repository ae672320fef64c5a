package reference

import (
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// next lists the operations that the state asks for: those to be started, and
// those under way that may still be attempted again.
func next(s *state) []ref {
	var refs []ref
	for i := range s.def.Steps {
		for _, r := range [...]ref{{i, saga.Action}, {i, saga.Compensation}} {
			if s.wants(r) {
				refs = append(refs, r)
			}
		}
	}
	return refs
}

func (s *state) wants(r ref) bool {
	if r.dir == saga.Action {
		return s.wantsAction(r.step)
	}
	return s.wantsUndo(r.step)
}

func (s *state) wantsAction(i int) bool {
	o := &s.actions[i]
	if o.settled() {
		return false
	}
	if s.failing() {
		return s.mustLearn(i)
	}
	if o.exhausted && s.def.Steps[i].Kind != saga.Deferrable {
		return false
	}
	for _, p := range s.graph.before[i] {
		if !s.satisfied(p) {
			return false
		}
	}
	return true
}

// satisfied: the steps after i may start. A deferrable step holds them up no
// longer than its first budget.
func (s *state) satisfied(i int) bool {
	o := &s.actions[i]
	if s.def.Steps[i].Kind == saga.Deferrable {
		return o.settled() || o.exhausted
	}
	return o.done()
}

// failed: the step will not succeed any more, and that matters.
func (s *state) failed(i int) bool {
	o := &s.actions[i]
	return s.def.Steps[i].Kind != saga.Deferrable && (o.refused() || o.exhausted && !o.done())
}

func (s *state) anyFailed() bool {
	for i := range s.def.Steps {
		if s.failed(i) {
			return true
		}
	}
	return false
}

// pastPivot: a pivot has succeeded; from now on nothing is ever undone.
func (s *state) pastPivot() bool {
	for i, st := range s.def.Steps {
		if st.Kind == saga.Pivot && s.actions[i].done() {
			return true
		}
	}
	return false
}

// failing: the saga is on its way back. No new step starts, none is retried.
func (s *state) failing() bool {
	return (s.operator || s.anyFailed()) && !s.pastPivot()
}

// mustLearn: a pivot of unknown outcome that can't be undone has to be attempted
// until its outcome is known, since everything depends on it.
func (s *state) mustLearn(i int) bool {
	st, o := &s.def.Steps[i], &s.actions[i]
	return st.Kind == saga.Pivot && st.Compensation == nil && o.attempts > 0 && !o.settled()
}

// undecided: a pivot may still turn out to have succeeded, so that nothing may
// be undone yet.
func (s *state) undecided() bool {
	for i, st := range s.def.Steps {
		if st.Kind == saga.Pivot && (s.actions[i].open || s.mustLearn(i)) {
			return true
		}
	}
	return false
}

// needsUndo: the action succeeded, or some attempt of it may have. A refusal
// counts as "nothing was done" only for the attempt that it answers.
func (s *state) needsUndo(i int) bool {
	o := &s.actions[i]
	return s.def.Steps[i].Compensation != nil && o.attempts > 0 && (o.open || o.done() || o.doubtful)
}

// undone: nothing of step i is left, or ever will be.
func (s *state) undone(i int) bool {
	return !s.actions[i].open && (!s.needsUndo(i) || s.undos[i].done())
}

func (s *state) wantsUndo(i int) bool {
	u := &s.undos[i]
	if !s.failing() || !s.needsUndo(i) || s.actions[i].open || u.settled() || u.exhausted || s.undecided() {
		return false
	}
	for _, later := range s.graph.after[i] {
		if !s.undone(later) {
			return false
		}
	}
	return true
}

// status is the saga's state in the contract's words.
func (s *state) status() saga.Status {
	if s.stuck() {
		return saga.Stuck
	}
	if s.failing() {
		for i := range s.def.Steps {
			if !s.undone(i) || s.mustLearn(i) {
				return saga.Compensating
			}
		}
		return saga.Compensated
	}
	for i := range s.def.Steps {
		if !s.satisfied(i) {
			return saga.Running
		}
	}
	return saga.Completed
}

// stuck: a person is needed. A compensation failed for good, or a step did
// after the point of no return.
func (s *state) stuck() bool {
	for i := range s.def.Steps {
		if u := &s.undos[i]; u.refused() || u.exhausted && !u.done() {
			return true
		}
	}
	return s.pastPivot() && s.anyFailed()
}

// quiet: nothing will ever happen to the saga again.
func (s *state) quiet() bool {
	for i := range s.def.Steps {
		if s.actions[i].open || s.undos[i].open {
			return false
		}
	}
	return len(next(s)) == 0
}

// report is the answer to a status question.
func (s *state) report() saga.Report {
	r := saga.Report{ID: s.def.ID, Status: s.status(), Steps: make([]saga.StepStatus, len(s.def.Steps))}
	for i, st := range s.def.Steps {
		r.Steps[i] = saga.StepStatus{Name: st.Name, Status: s.stepState(i), Attempts: s.actions[i].attempts}
	}
	return r
}

func (s *state) stepState(i int) saga.StepState {
	o, u := &s.actions[i], &s.undos[i]
	switch {
	case u.done():
		return saga.StepCompensated
	case u.refused() || u.exhausted:
		return saga.StepFailed
	case u.attempts > 0:
		return saga.StepCompensating
	case o.done():
		return saga.StepSucceeded
	case o.refused():
		return saga.StepFailed
	case o.exhausted && s.def.Steps[i].Kind == saga.Deferrable && !s.failing():
		return saga.StepDeferred
	case o.exhausted:
		return saga.StepFailed
	case o.attempts == 0:
		return saga.StepPending
	case s.failing() && !o.open && !s.mustLearn(i):
		return saga.StepFailed
	}
	return saga.StepRunning
}

// limits is what bounds the attempts of an operation.
type limits struct {
	policy saga.RetryPolicy
	// endless: it is attempted until its outcome is known, whatever the policy
	// says: a pivot that can't be undone, a deferred step.
	endless bool
	// background: after one attempt in the normal course it goes on in the
	// background, since its policy has no end of its own.
	background bool
}

func (s *state) limits(r ref) limits {
	l := limits{policy: s.call(r).Retry}
	if r.dir == saga.Compensation {
		return l
	}
	switch st := &s.def.Steps[r.step]; st.Kind {
	case saga.Pivot:
		l.endless = st.Compensation == nil
	case saga.Deferrable:
		l.endless = s.actions[r.step].exhausted
		l.background = l.policy.MaxAttempts == 0
	}
	return l
}

// exhausted tells whether there may be no further attempt in the normal course,
// if it would leave at the time due.
func (l limits) exhausted(attempts int, first, due time.Time) bool {
	if l.endless {
		return false
	}
	return l.background || l.policy.MaxAttempts > 0 && attempts >= l.policy.MaxAttempts || l.tooLate(first, due)
}

// tooLate tells whether an attempt at that time would miss the deadline, which
// counts from the first attempt.
func (l limits) tooLate(first, at time.Time) bool {
	return l.policy.DeadlineMS > 0 && !l.endless && !first.IsZero() &&
		at.After(first.Add(time.Duration(l.policy.DeadlineMS)*time.Millisecond))
}
