package defects

import (
	"context"
	"encoding/json"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

var compensationDefects = []Defect{
	{
		Name: "skip-unknown-compensation", Anomaly: "lost-compensation", Source: "dtm #272; temporal skill PR #43", Needs: "an action that has its effect and runs out of attempts",
		Description: "only steps known to have succeeded are compensated, not the one whose outcome is unknown",
		lay:         skipUnknownCompensation,
	},
	{
		Name: "error-means-undone", Anomaly: "lost-compensation", Source: "Seata #6374; dtm #8", Needs: "an action answered with 500 although it was done",
		Description: "a 5xx is taken for \"refused, nothing was done\"",
		lay:         errorMeansUndone,
	},
	{
		Name: "trust-late-refusal", Anomaly: "lost-compensation", Needs: "an action whose answer is lost, and whose next attempt is refused",
		Description: "a refusal is taken to speak for the attempts before it too",
		lay:         trustLateRefusal,
	},
	{
		Name: "no-compensation-after-retry", Anomaly: "lost-compensation", Source: "servicecomb-pack #227", Needs: "a step that succeeds at its second attempt, and a permanent error behind it",
		Description: "a step that needed more than one attempt is not compensated",
		lay:         noCompensationAfterRetry,
	},
	{
		Name: "never-compensate", Anomaly: "lost-compensation", Source: "dtm #8", Needs: "a permanent error behind a step that succeeded",
		Description: "a saga that fails just ends",
		lay:         neverCompensate,
	},
	{
		Name: "compensate-last-only", Anomaly: "lost-compensation", Needs: "a permanent error behind two steps that succeeded",
		Description: "only the steps that were done last are compensated",
		lay:         compensateLastOnly,
	},
	{
		Name: "compensation-errors-ignored", Anomaly: "lost-compensation", Source: "n8n #9236, #7098", Needs: "a rollback in which a compensation's request is lost",
		Description: "a compensation is made once, whatever comes of it",
		lay:         compensationErrorsIgnored,
	},
	{
		Name: "undo-intent-is-deed", Anomaly: "lost-compensation", Needs: "a crash when a compensation has been asked for, and was not done",
		Description: "after a restart the compensation that was interrupted is taken for done",
		lay:         undoIntentIsDeed,
	},
	{
		Name: "interrupted-compensation-is-done", Anomaly: "lost-compensation", Source: "servicecomb-pack #635", Needs: "a crash in a rollback, before the last compensation has left",
		Description: "the compensations of a rollback are marked as sent before they are, and a restart believes the marks",
		lay:         interruptedCompensationIsDone,
	},
	{
		Name: "skip-compensation-on-operator", Anomaly: "lost-compensation", Source: "temporal sdk-java #305", Needs: "an operator who asks for the rollback before the pivot (POST /sagas/{id}/compensate)",
		Description: "a rollback that an operator asks for cancels the compensations too",
		lay:         skipCompensationOnOperator,
	},
	{
		Name: "compensate-twice", Anomaly: "duplicate-compensation", Source: "temporal compensating transactions PR #3; txle #13", Needs: "a rollback",
		Description: "each compensation is made twice, the second time under a key of its own",
		lay:         compensateTwice,
	},
	{
		Name: "compensate-again-after-restart", Anomaly: "duplicate-compensation", Source: "Camunda #15141", Needs: "a crash in a rollback, after some compensation is done",
		Description: "a restart makes the compensations that are done again, under new keys",
		lay:         compensateAgainAfterRestart,
	},
	{
		Name: "compensate-with-action-body", Anomaly: "inexact-compensation", Needs: "a rollback",
		Description: "a compensation is sent the action's body",
		lay:         compensateWithActionBody,
	},
	{
		Name: "wrong-input-after-restart", Anomaly: "inexact-compensation", Source: "Seata #2827", Needs: "a crash before or in the rollback of a saga of two or more steps",
		Description: "after a restart every compensation is sent the body of the first step's",
		lay:         wrongInputAfterRestart,
	},
	{
		Name: "compensate-unattempted", Anomaly: "unneeded-compensation", Source: "Camunda #15141", Needs: "a permanent error before the last step",
		Description: "the rollback compensates every step, also those that were never attempted",
		lay:         compensateUnattempted,
	},
	{
		Name: "compensate-on-timeout", Anomaly: "retry-budget", Source: "txle #13", Needs: "one attempt of an action without an answer",
		Description: "the first time-out of an action fails the saga",
		lay:         compensateOnTimeout,
	},
	{
		Name: "compensate-past-pivot", Anomaly: "pivot-violation", Needs: "a permanent error behind the pivot",
		Description: "a step that fails behind the pivot starts the rollback",
		lay:         compensatePastPivot,
	},
	{
		Name: "give-up-retriable", Anomaly: "pivot-violation", Needs: "a transient error of a retriable step",
		Description: "a retriable step is given up after one attempt, though its policy has no end",
		lay:         giveUpRetriable,
	},
}

func skipUnknownCompensation(r *reference.Rules) {
	forgetsUndo(r, func(s *state, step int) bool { return !s.Actions[step].Done() })
}

func errorMeansUndone(r *reference.Rules) {
	overMeaning(r, func(o op, a answer, m saga.Answer) saga.Answer {
		if isAction(o) && a.Code >= 500 {
			return saga.Permanent
		}
		return m
	})
}

func trustLateRefusal(r *reference.Rules) {
	forgetsUndo(r, func(s *state, step int) bool { return s.Actions[step].Refused() })
}

func noCompensationAfterRetry(r *reference.Rules) {
	forgetsUndo(r, func(s *state, step int) bool { return s.Actions[step].Attempts > 1 })
}

func neverCompensate(r *reference.Rules) {
	forgetsUndo(r, func(*state, int) bool { return true })
}

func compensateLastOnly(r *reference.Rules) {
	forgetsUndo(r, func(s *state, step int) bool {
		for _, i := range s.Later(step) {
			if s.Actions[i].Done() || s.Actions[i].Doubtful {
				return true
			}
		}
		return false
	})
}

func compensationErrorsIgnored(r *reference.Rules) {
	overMeaning(r, func(o op, _ answer, m saga.Answer) saga.Answer {
		if isUndo(o) && m == saga.Transient {
			return saga.Done
		}
		return m
	})
}

func undoIntentIsDeed(r *reference.Rules) {
	believesDone(r, func(s *state, ref reference.Ref) bool { return ref.Dir == saga.Compensation && s.Op(ref).Open })
}

func interruptedCompensationIsDone(r *reference.Rules) {
	believesDone(r, func(s *state, ref reference.Ref) bool {
		return ref.Dir == saga.Compensation && s.Failing() && s.NeedsUndo(ref.Step)
	})
}

func skipCompensationOnOperator(r *reference.Rules) {
	forgetsUndo(r, func(s *state, _ int) bool { return s.Operator })
}

func compensateTwice(r *reference.Rules) {
	overSend(r, func(ctx context.Context, a attempt, send sender) answer {
		if isUndo(a.Op) {
			send(ctx, underKeyOf(a, "again"))
		}
		return send(ctx, a)
	})
}

func compensateAgainAfterRestart(r *reference.Rules) {
	onRestart(r, func(e *reference.Executor, s *state) {
		for i := range s.Def.Steps {
			if s.Undos[i].Done() {
				aside(underKeyOf(e.Op(s.Def, reference.Ref{Step: i, Dir: saga.Compensation}).Attempt(1), "run-2"), r.Send)
			}
		}
	})
}

func compensateWithActionBody(r *reference.Rules) {
	overBody(r, func(o op, body json.RawMessage) json.RawMessage {
		if isUndo(o) {
			return o.SagaStep().Action.Body
		}
		return body
	})
}

func wrongInputAfterRestart(r *reference.Rules) {
	restarted := hasRestarted(r)
	overBody(r, func(o op, body json.RawMessage) json.RawMessage {
		if first := o.Saga.Steps[0].Compensation; isUndo(o) && restarted.Load() && first != nil {
			return first.Body
		}
		return body
	})
}

func compensateUnattempted(r *reference.Rules) {
	r.NeedsUndo = func(*state, int) bool { return true }
}

func compensateOnTimeout(r *reference.Rules) {
	overConclusion(r, func(o op, a answer, c *reference.Outcome) {
		if isAction(o) && c.Answer == saga.Transient && a.Code == 0 {
			c.Exhausted = true
		}
	})
}

func compensatePastPivot(r *reference.Rules) {
	r.Turned = func(s *state) bool { return s.Operator || s.AnyFailed() }
}

func giveUpRetriable(r *reference.Rules) {
	overLimits(r, func(s *state, ref reference.Ref, l *reference.Limits) {
		if ref.Dir == saga.Action && s.Def.Steps[ref.Step].Kind == saga.Retriable {
			l.Policy.MaxAttempts = 1
		}
	})
}
