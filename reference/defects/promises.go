package defects

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

// promiseDefects break promises that show at the end of a policy, when a saga turns,
// or in what is asked of participants; what each needs is in curated plans.
var promiseDefects = []Defect{
	{
		Name: "refused-compensation-is-done", Anomaly: "partial-success", Needs: "a compensation that is refused for good",
		Description: "a compensation that is refused for good is taken for done",
		lay:         refusedCompensationIsDone,
	},
	{
		Name: "refused-retriable-is-done", Anomaly: "partial-success", Needs: "a retriable step that is refused for good",
		Description: "a step behind the pivot that is refused for good is passed over",
		lay:         refusedRetriableIsDone,
	},
	{
		Name: "codes-by-list", Anomaly: "retry-budget", Needs: "an answer of 409, 425, 502 or 504",
		Description: "transient codes are a list, in which 409, 425, 502 and 504 are missing",
		lay:         codesByList,
	},
	{
		Name: "backoff-overflow", Anomaly: "backoff-violation", Needs: "more than 32 attempts of one operation",
		Description: "the doubled wait overflows after 31 attempts, and is none then",
		lay:         backoffOverflow,
	},
	{
		Name: "double-waits", Anomaly: "backoff-violation", Needs: "transient errors of operations whose waits are long enough to be measured",
		Description: "each wait is twice as long as the policy says",
		lay:         doubleWaits,
	},
	{
		Name: "refund-again-later", Anomaly: "duplicate-compensation", Needs: "a rollback",
		Description: "each compensation is made again 100 ms later, under a key of its own",
		lay:         refundAgainLater,
	},
	{
		Name: "unbounded-compensation", Anomaly: "retry-budget", Needs: "a bounded compensation at its maximum",
		Description: "a compensation is attempted until it succeeds, whatever its policy says",
		lay:         unboundedCompensation,
	},
	{
		Name: "deadline-without-undo", Anomaly: "lost-compensation", Needs: "a deadline that passes",
		Description: "a deadline fails the saga without undoing anything",
		lay:         deadlineWithoutUndo,
	},
	{
		Name: "undo-around-pivot", Anomaly: "pivot-violation", Needs: "a pivot without a compensation whose attempts are used up",
		Description: "all else is undone when the attempts of a pivot that can't be undone are used up, though it may have succeeded",
		lay:         undoAroundPivot,
	},
	{
		Name: "stuck-at-pivot", Anomaly: "stuck-saga", Needs: "a pivot whose attempts are used up",
		Description: "a saga calls a person when the attempts of its pivot are used up",
		lay:         stuckAtPivot,
	},
	{
		Name: "slow-rollback", Anomaly: "unneeded-compensation", Needs: anywhere,
		Description: "each operation begins 300 ms late, and a saga without a pivot is rolled back when all its steps have succeeded",
		lay:         slowRollback,
	},
	{
		Name: "retry-after-turn", Anomaly: "action-after-turn", Needs: "a step that fails after another one was refused",
		Description: "an action is attempted again although the saga is on its way back",
		lay:         retryAfterTurn,
	},
	{
		Name: "refuse-operator", Anomaly: "ignored-rollback", Needs: "an operator who asks for the rollback before the pivot",
		Description: "a rollback that an operator asks for is always refused, as if it were too late",
		lay:         refuseOperator,
	},
	{
		Name: "deferrable-blocks-quietly", Anomaly: "degradation-failure", Needs: "an outage of a deferrable step that outlasts its budget",
		Description: "a saga does not complete before its deferrable steps have, and reports them as running",
		lay:         deferrableBlocksQuietly,
	},
	{
		Name: "deferrable-holds-up-steps", Anomaly: "degradation-failure", Needs: "an outage of a deferrable step, with a step behind it, that outlasts its budget",
		Description: "a step behind a deferrable one does not start before that is done",
		lay:         deferrableHoldsUpSteps,
	},
	{
		Name: "reencode-bodies", Anomaly: "mangled-body", Needs: anywhere,
		Description: "the body of an action is decoded and encoded again",
		lay:         reencodeBodies,
	},
	{
		Name: "garble-registers", Anomaly: "mangled-body", Needs: anywhere,
		Description: "the values that an action's body writes are changed on their way",
		lay:         garbleRegisters,
	},
	{
		Name: "drop-writes", Anomaly: "mangled-body", Needs: anywhere,
		Description: "the writes of an action's body are left out",
		lay:         dropWrites,
	},
}

func refusedCompensationIsDone(r *reference.Rules) {
	overMeaning(r, func(o op, _ answer, m saga.Answer) saga.Answer {
		if isUndo(o) && m == saga.Permanent {
			return saga.Done
		}
		return m
	})
}

func refusedRetriableIsDone(r *reference.Rules) {
	overMeaning(r, func(o op, _ answer, m saga.Answer) saga.Answer {
		if isAction(o) && m == saga.Permanent && o.SagaStep().Kind == saga.Retriable {
			return saga.Done
		}
		return m
	})
}

func codesByList(r *reference.Rules) {
	missing := []int{http.StatusConflict, http.StatusTooEarly, http.StatusBadGateway, http.StatusGatewayTimeout}
	overMeaning(r, func(_ op, a answer, m saga.Answer) saga.Answer {
		if slices.Contains(missing, a.Code) {
			return saga.Permanent
		}
		return m
	})
}

func backoffOverflow(r *reference.Rules) {
	overWaits(r, func(_ op, n int, wait time.Duration) time.Duration {
		if n > 32 {
			return 0
		}
		return wait
	})
}

func doubleWaits(r *reference.Rules) {
	overWaits(r, func(_ op, _ int, wait time.Duration) time.Duration { return 2 * wait })
}

func refundAgainLater(r *reference.Rules) {
	overSend(r, func(ctx context.Context, a attempt, send sender) answer {
		came := send(ctx, a)
		if isUndo(a.Op) && saga.Classify(came.Code) == saga.Done {
			later(underKeyOf(a, "later"), 100*time.Millisecond, nil, send)
		}
		return came
	})
}

func unboundedCompensation(r *reference.Rules) {
	overLimits(r, func(_ *state, ref reference.Ref, l *reference.Limits) {
		if ref.Dir == saga.Compensation {
			l.Policy.MaxAttempts = 0
		}
	})
}

func deadlineWithoutUndo(r *reference.Rules) {
	forgetsUndo(r, func(s *state, _ int) bool { return deadlinePassed(s) })
}

// deadlinePassed: some action was given up for its deadline.
func deadlinePassed(s *state) bool {
	for i := range s.Def.Steps {
		o, p := &s.Actions[i], s.Def.Steps[i].Action.Retry
		if o.Exhausted && p.DeadlineMS > 0 && (p.MaxAttempts == 0 || o.Attempts < p.MaxAttempts) {
			return true
		}
	}
	return false
}

func undoAroundPivot(r *reference.Rules) {
	overLimits(r, func(s *state, ref reference.Ref, l *reference.Limits) {
		if s.Def.Steps[ref.Step].Kind == saga.Pivot {
			l.Endless = false
		}
	})
}

func stuckAtPivot(r *reference.Rules) {
	stuck, mayUndo := r.Stuck, r.MayUndo
	r.Stuck = func(s *state) bool { return stuck(s) || gaveUpPivot(s) }
	r.MayUndo = func(s *state, step int) bool { return !gaveUpPivot(s) && mayUndo(s, step) }
}

// gaveUpPivot: the attempts of a pivot are used up.
func gaveUpPivot(s *state) bool {
	for i, st := range s.Def.Steps {
		if o := &s.Actions[i]; st.Kind == saga.Pivot && o.Exhausted && !o.Settled() {
			return true
		}
	}
	return false
}

func slowRollback(r *reference.Rules) {
	beginsLate(r, 300*time.Millisecond)
	was := r.Turned
	r.Turned = func(s *state) bool {
		if s.PastPivot() {
			return was(s)
		}
		for i := range s.Def.Steps {
			if s.Critical(i) && !s.Actions[i].Done() {
				return was(s)
			}
		}
		return true
	}
}

func retryAfterTurn(r *reference.Rules) {
	was := r.OnTheWayBack
	r.OnTheWayBack = func(s *state, step int) bool {
		o := &s.Actions[step]
		return was(s, step) || o.Attempts > 0 && !o.Exhausted
	}
}

func refuseOperator(r *reference.Rules) {
	r.OperatorMay = func(*state) error { return reference.ErrPastPivot }
}

func deferrableBlocksQuietly(r *reference.Rules) {
	deferrableBlocksSaga(r)
	was := r.StepState
	r.StepState = func(s *state, step int) saga.StepState {
		o := &s.Actions[step]
		if s.Def.Steps[step].Kind == saga.Deferrable && o.Exhausted && !o.Settled() && s.Undos[step].Attempts == 0 {
			return saga.StepRunning
		}
		return was(s, step)
	}
}

func deferrableHoldsUpSteps(r *reference.Rules) {
	was := r.Ready
	r.Ready = func(s *state, step int) bool {
		for _, name := range s.Def.Predecessors(step) {
			i := s.Def.StepIndex(name)
			if s.Def.Steps[i].Kind == saga.Deferrable && !s.Actions[i].Settled() {
				return false
			}
		}
		return was(s, step)
	}
}

// overFields changes the fields of an action's body, if it is an object with writes, or
// any object if always.
func overFields(r *reference.Rules, always bool, f func(fields map[string]any, writes []any)) {
	overBody(r, func(o op, body json.RawMessage) json.RawMessage {
		var fields map[string]any
		if !isAction(o) || json.Unmarshal(body, &fields) != nil {
			return body
		}
		writes, _ := fields["writes"].([]any)
		if len(writes) == 0 && !always {
			return body
		}
		f(fields, writes)
		b, err := json.Marshal(fields)
		if err != nil { // it was decoded from JSON
			panic(err)
		}
		return b
	})
}

func reencodeBodies(r *reference.Rules) {
	overFields(r, true, func(map[string]any, []any) {})
}

func garbleRegisters(r *reference.Rules) {
	overFields(r, false, func(_ map[string]any, writes []any) {
		for _, w := range writes {
			if w, ok := w.(map[string]any); ok {
				w["to"] = "garbled"
			}
		}
	})
}

func dropWrites(r *reference.Rules) {
	overFields(r, false, func(fields map[string]any, _ []any) { delete(fields, "writes") })
}
