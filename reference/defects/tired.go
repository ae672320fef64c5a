package defects

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

// Mistakes that a first failure does not show: they need an end or a pause of the process in the midst of retries,
// or more failures than somebody has patience for.
var tiredDefects = []Defect{
	{
		Name: "retries-end-with-process", Anomaly: "unneeded-compensation", Needs: "a crash, and a transient error of an action in the process that comes after it",
		Description: "in a saga that a restart carries on the first transient error of an action uses its attempts up",
		lay:         retriesEndWithProcess,
	},
	{
		Name: "outlasted-is-used-up", Anomaly: "unneeded-compensation", Needs: "a pause that is longer than the attempt under way may take",
		Description: "an attempt that took much longer than its time-out, as the process stood still, uses the attempts of its action up",
		lay:         outlastedIsUsedUp,
	},
	{
		Name: "used-up-pivot-turns-after-restart", Anomaly: "pivot-violation", Needs: "a pivot that can't be undone and whose attempts are used up, and then a crash",
		Description: "after a restart a pivot whose attempts were used up is taken for refused, and its saga is rolled back",
		lay:         usedUpPivotTurnsAfterRestart,
	},
	{
		Name: "retried-undo-is-done-after-restart", Anomaly: "lost-compensation", Needs: "a compensation that fails once, and then a crash when it is attempted again, and was not done",
		Description: "after a restart a compensation that was interrupted in a later attempt is taken for done",
		lay:         retriedUndoIsDoneAfterRestart,
	},
	{
		Name: "tired-retriable-is-done", Anomaly: "partial-success", Needs: "six transient errors of a retriable step",
		Description: "a retriable step that has failed six times is taken for done",
		lay:         tiredRetriableIsDone,
	},
	{
		Name: "tired-deferrable-is-dropped", Anomaly: "degradation-failure", Needs: "seven transient errors of a deferrable step",
		Description: "a deferrable step that has failed seven times is given up for good",
		lay:         tiredDeferrableIsDropped,
	},
	{
		Name: "waits-end-with-process", Anomaly: "stuck-saga", Needs: "a crash while an operation waits for its next attempt, and none is under way",
		Description: "the wait for the next attempt is a timer in memory: after a restart sagas are carried on only of which an attempt was under way",
		lay:         waitsEndWithProcess,
	},
	{
		Name: "carried-on-once", Anomaly: "stuck-saga", Needs: "two crashes while the saga is open",
		Description: "a saga that a restart has carried on is not carried on by another one",
		lay:         carriedOnOnce,
	},
	{
		Name: "cut-off-long-ago-is-used-up", Anomaly: "unneeded-compensation", Needs: "a crash while an action is under way, and more than a second until the process is back",
		Description: "an action of which an attempt was under way more than a second before a restart has no attempts left",
		lay:         cutOffLongAgoIsUsedUp,
	},
}

// usesUp: an action that turns its saga has no attempts left after a transient error for which something holds.
func usesUp(r *reference.Rules, holds func(o op) bool) {
	overConclusion(r, func(o op, _ answer, c *reference.Outcome) {
		if isAction(o) && o.SagaStep().Kind == saga.Compensatable && c.Answer == saga.Transient && holds(o) {
			c.Exhausted = true
		}
	})
}

func retriesEndWithProcess(r *reference.Rules) {
	var carriedOn sync.Map // ids of sagas
	onRestart(r, func(_ *reference.Executor, s *state) { carriedOn.Store(s.Def.ID, true) })
	usesUp(r, func(o op) bool {
		_, yes := carriedOn.Load(o.Saga.ID)
		return yes
	})
}

func outlastedIsUsedUp(r *reference.Rules) {
	type operation struct{ saga, step string }
	var outlasted sync.Map
	overSend(r, func(ctx context.Context, a attempt, send sender) answer {
		began := time.Now()
		came := send(ctx, a)
		if isAction(a.Op) && time.Since(began) > a.Timeout()*6/5 {
			outlasted.Store(operation{a.Saga.ID, a.SagaStep().Name}, true)
			return answer{}
		}
		return came
	})
	usesUp(r, func(o op) bool {
		_, yes := outlasted.Load(operation{o.Saga.ID, o.SagaStep().Name})
		return yes
	})
}

func usedUpPivotTurnsAfterRestart(r *reference.Rules) {
	believes(r, saga.Permanent, func(s *state, ref reference.Ref) bool {
		step := s.Def.Steps[ref.Step]
		return ref.Dir == saga.Action && step.Kind == saga.Pivot && step.Compensation == nil && s.Op(ref).Attempts >= step.Action.Retry.Most()
	})
}

func retriedUndoIsDoneAfterRestart(r *reference.Rules) {
	believes(r, saga.Done, func(s *state, ref reference.Ref) bool {
		return ref.Dir == saga.Compensation && s.Op(ref).Open && s.Op(ref).Attempts > 1
	})
}

// tires: an action of a step of some kind that has failed so often is not attempted any more, as if it had been
// answered with a code.
func tires(r *reference.Rules, kind saga.Kind, failures, code int) {
	overSend(r, func(ctx context.Context, a attempt, send sender) answer {
		if isAction(a.Op) && a.SagaStep().Kind == kind && a.N > failures {
			return answer{Code: code}
		}
		return send(ctx, a)
	})
}

func tiredRetriableIsDone(r *reference.Rules) { tires(r, saga.Retriable, 6, http.StatusOK) }

func tiredDeferrableIsDropped(r *reference.Rules) {
	tires(r, saga.Deferrable, 7, http.StatusUnprocessableEntity)
}

func waitsEndWithProcess(r *reference.Rules) {
	carriesOn(r, func(s *state) bool {
		waits := false
		for i := range s.Def.Steps {
			for _, o := range []*reference.OpState{&s.Actions[i], &s.Undos[i]} {
				if o.Open {
					return true
				}
				waits = waits || o.Answer == saga.Transient && !o.Exhausted
			}
		}
		return !waits
	})
}

func carriedOnOnce(r *reference.Rules) {
	carriesOn(r, func(s *state) bool { return s.CutShort() == 0 })
}

// carriesOn: a restart carries on only sagas of which something holds.
func carriesOn(r *reference.Rules, holds func(s *state) bool) {
	was := r.Continue
	r.Continue = func(e *reference.Executor, s *state) bool { return was(e, s) && holds(s) }
}

// longAgo is for how long an attempt may have been under way before a restart.
const longAgo = time.Second

func cutOffLongAgoIsUsedUp(r *reference.Rules) {
	was := r.Recover
	r.Recover = func(s *state, ref reference.Ref, now time.Time) []reference.Record {
		records := was(s, ref, now)
		if s.Op(ref).Open && ref.Dir == saga.Action && s.Def.Steps[ref.Step].Kind == saga.Compensatable && now.Sub(s.Began(ref)) > longAgo {
			for i := range records {
				records[i].Exhausted = true
			}
		}
		return records
	}
}
