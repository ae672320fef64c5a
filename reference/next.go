package reference

import (
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// next lists the operations that the state asks for: those to be started, and
// those under way that may still be attempted again.
func next(s *state) []ref {
	return slices.DeleteFunc(s.candidates(), func(r ref) bool { return !s.wants(r) })
}

// candidates are the operations that may be wanted.
func (s *state) candidates() (refs []ref) {
	if s.tally != nil {
		return s.tally.candidates(s)
	}
	for i := range s.def.Steps {
		both := bothOf(i)
		refs = append(refs, both[:]...)
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
		return s.mustLearn(i) || s.goesOn(i)
	}
	if o.exhausted && (s.critical(i) || s.defects.on("forget-deferred")) {
		return false
	}
	if s.defects.on("start-all-at-once") {
		return true
	}
	if s.defects.on("join-on-first") && slices.ContainsFunc(s.graph.before[i], s.satisfied) {
		return true
	}
	return s.ready(i) && !s.heldUp(i)
}

// ready: the steps before it let it start.
func (s *state) ready(i int) bool {
	if s.tally != nil {
		return s.tally.flowOf(s).waits[i] == 0
	}
	return all(s.graph.before[i], s.satisfied)
}

// critical: the saga can't complete without the step.
func (s *state) critical(i int) bool {
	if s.defects.on("continue-on-error") {
		return false
	}
	return s.def.Steps[i].Kind != saga.Deferrable
}

// satisfied: the steps after i may start. A deferrable step holds them up no
// longer than its first budget.
func (s *state) satisfied(i int) bool {
	if i >= s.graph.steps {
		return s.facts().passed[i-s.graph.steps]
	}
	o := &s.actions[i]
	if s.defects.on("missing-await") && o.attempts > 0 {
		return true
	}
	if s.critical(i) {
		return o.done()
	}
	if s.defects.on("deferrable-blocks-saga") || s.defects.blocksQuietly() {
		return o.settled()
	}
	return o.settled() || o.exhausted
}

// failed: the step will not succeed any more, and that matters.
func (s *state) failed(i int) bool {
	o := &s.actions[i]
	matters := s.critical(i)
	if s.defects.on("deferrable-fails-saga") {
		matters = true
	}
	return matters && (o.refused() || o.exhausted && !o.done())
}

func (s *state) anyFailed() bool {
	if s.tally != nil {
		return s.tally.failed > 0
	}
	for i := range s.def.Steps {
		if s.failed(i) {
			return true
		}
	}
	return false
}

// pastPivot: a pivot has succeeded; from now on nothing is ever undone.
func (s *state) pastPivot() bool {
	if s.tally != nil {
		return s.tally.pivotsDone > 0
	}
	return s.facts().pastPivot
}

func (s *state) pivotDone() bool {
	return slices.ContainsFunc(s.graph.pivots, func(i int) bool { return s.actions[i].done() })
}

// failing: the saga is on its way back. No new step starts, none is retried.
func (s *state) failing() bool {
	if s.tally != nil {
		return s.turned()
	}
	return s.facts().failing
}

func (s *state) turned() bool {
	if s.defects.on("compensate-past-pivot") {
		return s.operator || s.anyFailed()
	}
	return (s.operator || s.anyFailed() || s.turnsForNothing()) && !s.pastPivot()
}

// mustLearn: a pivot of unknown outcome that can't be undone has to be attempted
// until its outcome is known, since everything depends on it.
func (s *state) mustLearn(i int) bool {
	st, o := &s.def.Steps[i], &s.actions[i]
	return st.Kind == saga.Pivot && st.Compensation == nil && o.attempts > 0 && !o.settled() && !o.exhausted
}

// undecided: a pivot may still turn out to have succeeded, so that nothing may
// be undone yet.
func (s *state) undecided() bool {
	if s.tally != nil {
		return s.tally.pivotsUnsure > 0
	}
	return s.facts().undecided
}

func (s *state) pivotOpen() bool {
	return slices.ContainsFunc(s.graph.pivots, func(i int) bool { return s.actions[i].open || s.mustLearn(i) })
}

// needsUndo: the action succeeded, or some attempt of it may have. A refusal
// counts as "nothing was done" only for the attempt that it answers.
func (s *state) needsUndo(i int) bool {
	o := &s.actions[i]
	if s.def.Steps[i].Compensation == nil || s.undoIsForgotten(i) {
		return false
	}
	if s.defects.on("compensate-unattempted") {
		return true
	}
	return o.attempts > 0 && (o.open || o.done() || o.doubtful)
}

// undoIsForgotten holds the planted defects that lose a compensation. Without
// them it is false.
func (s *state) undoIsForgotten(i int) bool {
	o := &s.actions[i]
	if s.defects.on("skip-unknown-compensation") && !o.done() {
		return true
	}
	if s.defects.on("trust-late-refusal") && o.refused() {
		return true
	}
	if s.defects.on("no-compensation-after-retry") && o.attempts > 1 {
		return true
	}
	if s.defects.on("compensate-last-only") {
		for _, later := range s.graph.later(i) {
			if s.actions[later].done() || s.actions[later].doubtful {
				return true
			}
		}
	}
	if s.defects.on("skip-compensation-on-operator") && s.operator {
		return true
	}
	if s.defects.on("deadline-without-undo") && s.deadlinePassed() {
		return true
	}
	return s.defects.on("never-compensate")
}

// undone: nothing of step i is left, or ever will be.
func (s *state) undone(i int) bool {
	return !s.actions[i].open && (!s.needsUndo(i) || s.undos[i].done())
}

func (s *state) wantsUndo(i int) bool {
	u := &s.undos[i]
	if !s.failing() || !s.needsUndo(i) || s.actions[i].open || u.settled() || u.exhausted || s.undecided() || s.stuckAtPivot() {
		return false
	}
	if s.defects.on("compensate-forward") {
		return all(s.graph.directly(i), s.undone)
	}
	if s.defects.on("compensate-all-at-once") {
		return true
	}
	if s.tally != nil {
		return s.tally.flowOf(s).waits[i] == 0
	}
	return s.facts().cleared[i]
}

// status is the saga's state in the contract's words.
func (s *state) status() saga.Status {
	switch {
	case s.stuck():
		return saga.Stuck
	case s.failing() && s.somethingLeft():
		return saga.Compensating
	case s.failing():
		return saga.Compensated
	case s.somethingMissing():
		return saga.Running
	}
	return saga.Completed
}

// somethingLeft: of a saga on its way back.
func (s *state) somethingLeft() bool {
	if s.defects.on("report-compensated-early") {
		return false
	}
	if s.tally != nil {
		return s.tally.left > 0 || s.tally.mustLearn > 0
	}
	for i := range s.def.Steps {
		if !s.undone(i) || s.mustLearn(i) {
			return true
		}
	}
	return false
}

// somethingMissing: before it has completed.
func (s *state) somethingMissing() bool {
	if s.tally != nil {
		return s.tally.unsatisfied > 0
	}
	for i := range s.def.Steps {
		if s.defects.on("complete-early") && (s.actions[i].attempts > 0 || !s.critical(i)) {
			continue
		}
		if !s.satisfied(i) {
			return true
		}
	}
	return false
}

// stuck: a person is needed. A compensation failed for good, or a step did
// after the point of no return.
func (s *state) stuck() bool {
	return s.undoLost() || s.pastPivot() && s.anyFailed() || s.stuckAtPivot()
}

func (s *state) undoLost() bool {
	if s.tally != nil {
		return s.tally.stuck > 0
	}
	return slices.ContainsFunc(s.undos, func(u opState) bool { return u.lost() })
}

// quiet: nothing will ever happen to the saga again.
func (s *state) quiet() bool { return !s.underWay() && len(next(s)) == 0 }

func (s *state) underWay() bool {
	if s.tally != nil {
		return s.tally.open > 0
	}
	open := func(o opState) bool { return o.open }
	return slices.ContainsFunc(s.actions, open) || slices.ContainsFunc(s.undos, open)
}

// report is the answer to a status question.
func (s *state) report() saga.Report {
	r := saga.Report{ID: s.def.ID, Status: s.status(), Steps: make([]saga.StepStatus, len(s.def.Steps))}
	for i, st := range s.def.Steps {
		n := s.actions[i].attempts
		r.Steps[i] = saga.StepStatus{Name: st.Name, Status: s.defects.remembered(s.stepState(i), n), Attempts: s.defects.counted(n)}
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
	case o.exhausted && s.def.Steps[i].Kind == saga.Deferrable && s.defects.blocksQuietly():
		return saga.StepRunning
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
	defects    defects
}

func (s *state) limits(r ref) limits {
	l := limits{policy: s.call(r).Retry, defects: s.defects}
	if l.policy.MaxAttempts > 0 && s.defects.on("budget-restarts") {
		l.policy.MaxAttempts += s.op(r).replayed
	}
	if r.dir == saga.Compensation {
		if s.defects.on("unbounded-compensation") {
			l.policy.MaxAttempts = 0
		}
		return l
	}
	switch st := &s.def.Steps[r.step]; st.Kind {
	case saga.Pivot:
		l.endless = st.Compensation == nil && !s.defects.on("undo-around-pivot")
	case saga.Deferrable:
		l.endless = s.actions[r.step].exhausted
		l.background = l.policy.MaxAttempts == 0
	case saga.Retriable:
		if s.defects.on("give-up-retriable") {
			l.policy.MaxAttempts = 1
		}
	}
	return l
}

// exhausted tells whether there may be no further attempt in the normal course,
// if it would leave at the time due.
func (l limits) exhausted(attempts int, first, due time.Time) bool {
	if l.endless {
		return false
	}
	most := l.policy.MaxAttempts
	if most > 0 && l.defects.on("one-attempt-too-many") {
		most++
	}
	return l.background || most > 0 && attempts >= most || l.tooLate(first, due)
}

// tooLate tells whether an attempt at that time would miss the deadline, which
// counts from the first attempt.
func (l limits) tooLate(first, at time.Time) bool {
	if l.defects.on("ignore-deadline") {
		return false
	}
	return l.policy.DeadlineMS > 0 && !l.endless && !first.IsZero() &&
		at.After(first.Add(time.Duration(l.policy.DeadlineMS)*time.Millisecond))
}
