package defects

import (
	"slices"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

var orderDefects = []Defect{
	{
		Name: "compensate-forward", Anomaly: "compensation-order", Needs: "a rollback of two steps",
		Description: "compensations run in the order of the steps",
		lay:         compensateForward,
	},
	{
		Name: "compensate-all-at-once", Anomaly: "compensation-order", Needs: "a rollback of two steps",
		Description: "all compensations start together",
		lay:         compensateAllAtOnce,
	},
	{
		Name: "start-all-at-once", Anomaly: "step-order", Needs: anywhere,
		Description: "all steps start together",
		lay:         startAllAtOnce,
	},
	{
		Name: "start-after-turn", Anomaly: "action-after-turn", Needs: "a refusal beside a step that takes longer and that another step follows, or an operator who asks for the rollback",
		Description: "a step that is ready starts although its saga has turned",
		lay:         startAfterTurn,
	},
	{
		Name: "ignore-operator", Anomaly: "ignored-rollback", Source: "zigflow #587; OpenMetadata PR 31590", Needs: "an operator who asks for the rollback before the pivot (POST /sagas/{id}/compensate)",
		Description: "an operator's request is accepted, written down and not carried out",
		lay:         ignoreOperator,
	},
	{
		Name: "join-on-first", Anomaly: "step-order", Needs: "a step behind two others, of which one takes longer",
		Description: "a step behind several others starts when the first of them is done",
		lay:         joinOnFirst,
	},
	{
		Name: "missing-await", Anomaly: "step-order", Source: "temporal compensating transactions PR #3", Needs: "a step that takes its time, or fails",
		Description: "a step starts when the calls of those before it have left",
		lay:         missingAwait,
	},
	{
		Name: "deferrable-fails-saga", Anomaly: "degradation-failure", Needs: "an outage of a deferrable step beside or before a critical one, or a refusal of it",
		Description: "a deferrable step that fails, fails the saga",
		lay:         deferrableFailsSaga,
	},
	{
		Name: "deferrable-blocks-saga", Anomaly: "degradation-failure", Needs: "an outage of a deferrable step that outlasts its budget",
		Description: "a saga does not complete before its deferrable steps have",
		lay:         deferrableBlocksSaga,
	},
	{
		Name: "forget-deferred", Anomaly: "degradation-failure", Needs: "an outage of a deferrable step that outlasts its budget",
		Description: "a deferred step is never attempted again",
		lay:         forgetDeferred,
	},
}

func compensateForward(r *reference.Rules) {
	r.MayUndo = func(s *state, step int) bool {
		return !slices.ContainsFunc(s.Directly(step), func(i int) bool { return !s.Undone(i) })
	}
}

func compensateAllAtOnce(r *reference.Rules) {
	r.MayUndo = func(*state, int) bool { return true }
}

func startAllAtOnce(r *reference.Rules) {
	r.Ready = func(*state, int) bool { return true }
}

func startAfterTurn(r *reference.Rules) {
	was := r.OnTheWayBack
	r.OnTheWayBack = func(s *state, step int) bool {
		before := s.Before(step)
		unsatisfied := func(i int) bool { return !s.Satisfied(i) }
		return was(s, step) || s.Actions[step].Attempts == 0 && len(before) > 0 && !slices.ContainsFunc(before, unsatisfied)
	}
}

func ignoreOperator(r *reference.Rules) {
	r.Turned = func(s *state) bool { return s.AnyFailed() && !s.PastPivot() }
}

func joinOnFirst(r *reference.Rules) {
	was := r.Ready
	r.Ready = func(s *state, step int) bool { return slices.ContainsFunc(s.Before(step), s.Satisfied) || was(s, step) }
}

func missingAwait(r *reference.Rules) {
	was := r.Satisfied
	r.Satisfied = func(s *state, step int) bool { return s.Actions[step].Attempts > 0 || was(s, step) }
}

func deferrableFailsSaga(r *reference.Rules) {
	r.Failed = func(s *state, step int) bool { return s.Actions[step].Lost() }
}

func deferrableBlocksSaga(r *reference.Rules) {
	was := r.Satisfied
	r.Satisfied = func(s *state, step int) bool {
		if s.Def.Steps[step].Kind == saga.Deferrable {
			return s.Actions[step].Settled()
		}
		return was(s, step)
	}
}

func forgetDeferred(r *reference.Rules) {
	r.Deferred = func(*state, int) bool { return false }
}
