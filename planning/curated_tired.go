package planning

import (
	"slices"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// tired is the plans for what a first failure does not show: a kill in the midst of retries, or before them, and
// failures of one operation that go on for longer than somebody may have patience.
func (e *ending) tired() {
	first := func(try func(s saga.Step) bool) { _ = slices.ContainsFunc(e.d.Steps, try) }
	first(e.retriedAcrossKill)
	first(e.failsAfterKill)
	first(e.undoRetriedAcrossKill)
	first(e.pivotAcrossKill)
	first(func(s saga.Step) bool { return s.Kind == saga.Retriable && e.failsOften(s) })
	first(func(s saga.Step) bool { return s.Kind == saga.Deferrable && e.failsOften(s) })
	first(e.killedInWait)
	first(e.killedForLong)
}

// inAWait is, in milliseconds, when the orchestrator is killed while the first call of a cell waits as its answer has asked for
// (throttledFor).
const inAWait = 300

// killedInWait: the first action is throttled, and the orchestrator is killed while nothing is under way: all that the
// saga does is to wait.
func (e *ending) killedInWait(s saga.Step) bool {
	begins := len(e.d.Predecessors(e.d.StepIndex(s.Name))) == 0
	return begins && e.mayFail(s, 2) && s.Action.Retry.DeadlineMS == 0 && e.d.Budget.TimeMS == 0 && s.Action.Breaker == nil &&
		e.add(throttled(point(s.Name, 1, saga.Receive), throttledFor), processAway(inAWait, 60))
}

// longAway is for how many milliseconds a process is away that doesn't come back at once: longer than most calls may take.
const longAway = 1500

// killedForLong: the orchestrator is killed while an action is under way that can be undone, and away for longer than that may take; and
// killed once more, if there is a step behind it.
func (e *ending) killedForLong(s saga.Step) bool {
	if s.Kind != saga.Compensatable || !e.mayFail(s, 3) {
		return false
	}
	away := killed(point(s.Name, 1, saga.Receive), s.Action.Retry)
	away.DelayMS = longAway
	return slices.ContainsFunc(e.d.Steps, func(o saga.Step) bool {
		return slices.Contains(e.d.Ancestors(o.Name), s.Name) && e.add(away, killed(point(o.Name, 1, saga.Receive), o.Action.Retry))
	}) || e.add(away)
}

// mayFail tells whether an action that turns its saga has that many attempts, or more.
func (e *ending) mayFail(s saga.Step, attempts int) bool {
	most := s.Action.Retry.Most()
	return e.a.Process && !e.contested() && s.Kind != saga.Deferrable && (most == 0 || most >= attempts)
}

// retriedAcrossKill: an action fails, is cut off by a kill when it is attempted again, and fails once more. It
// has attempts left.
func (e *ending) retriedAcrossKill(s saga.Step) bool {
	return e.mayFail(s, 4) && e.add(
		unavailableAt(s.Name),
		killed(point(s.Name, 2, saga.Receive), s.Action.Retry),
		unavailable(point(s.Name, 3, saga.Receive)))
}

// failsAfterKill: an action fails once in a process that was started again while a step before it was under way.
func (e *ending) failsAfterKill(s saga.Step) bool {
	return e.mayFail(s, 3) && slices.ContainsFunc(e.d.Ancestors(s.Name), func(name string) bool {
		before, _ := e.d.Step(name)
		return e.add(killed(point(name, 1, saga.Receive), before.Action.Retry), unavailableAt(s.Name))
	})
}

// undoRetriedAcrossKill: a compensation fails, and is cut off by a kill, undone, when it is attempted again.
func (e *ending) undoRetriedAcrossKill(s saga.Step) bool {
	if s.Compensation == nil || !e.a.Process || e.contested() {
		return false
	}
	p := s.Compensation.Retry
	at := saga.FailurePoint{Step: s.Name, Direction: saga.Compensation, Attempt: 1, Phase: saga.Receive}
	again := at
	again.Attempt = 2
	return (p.Most() == 0 || p.Most() > 2) && e.undoing(s, func([]faults.Fault) []faults.Fault {
		return append([]faults.Fault{failed(at)}, unsent(again, p)...)
	})
}

// pivotAcrossKill: the attempts of a pivot that can't be undone are used up, and the next one is cut off by a kill. What
// became of it is still not known.
func (e *ending) pivotAcrossKill(s saga.Step) bool {
	most := s.Action.Retry.Most()
	if s.Kind != saga.Pivot || s.Compensation != nil || most == 0 || !e.a.Process || e.contested() {
		return false
	}
	return e.add(append(burst(unavailableAt(s.Name), most), unsent(point(s.Name, most+1, saga.Receive), s.Action.Retry)...)...)
}

// failsOften: an action that is to be done in the end, however often it fails, fails that often.
func (e *ending) failsOften(s saga.Step) bool {
	often, most := 9, s.Action.Retry.Most()
	if s.Unbounded() {
		often = max(often, most+3)
	}
	return (s.Unbounded() || most == 0 || most > often) && e.add(burst(unavailableAt(s.Name), often)...)
}
