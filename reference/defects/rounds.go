package defects

import (
	"context"
	"time"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

// roundDefects go wrong between the rounds of a step.
var roundDefects = []Defect{
	{
		Name: "round-unasked", Anomaly: "retry-budget", Needs: "as many transient errors of an action with rounds as a round has attempts",
		Description: "another round begins, and nobody has asked what the participant holds",
		lay:         roundUnasked,
	},
	{
		Name: "round-in-any-case", Anomaly: "retry-budget", Needs: "an action with rounds that nobody heard of for a whole round",
		Description: "another round begins, although the participant holds what the action was to do",
		lay:         roundInAnyCase,
	},
	{
		Name: "rounds-multiply", Anomaly: "retry-budget", Needs: "as many transient errors of an action as all its rounds have attempts",
		Description: "the number of rounds is taken for that of further rounds",
		lay:         roundsMultiply,
	},
	{
		Name: "not-there-is-done", Anomaly: "partial-success", Needs: "an action with rounds of which no attempt of a round arrived",
		Description: "any answer to the question what a participant holds is taken for a success",
		lay:         notThereIsDone,
	},
	{
		Name: "round-asked-early", Anomaly: "retry-budget", Needs: "as many transient errors of an action with rounds as a round has attempts",
		Description: "it is asked what the participant holds as soon as a round has failed, and called when the wait is over, whatever has arrived meanwhile",
		lay:         roundAskedEarly,
	},
}

func roundUnasked(r *reference.Rules) {
	r.Rounds.Asks = func(op, int) bool { return false }
}

func roundInAnyCase(r *reference.Rules) {
	r.Rounds.Found = func(op, bool) saga.Answer { return saga.Transient }
}

func roundsMultiply(r *reference.Rules) {
	overLimits(r, func(_ *state, _ reference.Ref, l *reference.Limits) {
		if l.Policy.Rounds > 1 {
			l.Policy.Rounds++
		}
	})
}

func notThereIsDone(r *reference.Rules) {
	r.Rounds.Found = func(op, bool) saga.Answer { return saga.Done }
}

func roundAskedEarly(r *reference.Rules) {
	was := r.Wait
	begins := func(o op, n int) bool { return o.Dir == saga.Action && o.Call().Retry.BeginsRound(n) }
	overWaits(r, func(o op, n int, wait time.Duration) time.Duration {
		if begins(o, n) {
			return 0
		}
		return wait
	})
	overSend(r, func(ctx context.Context, a attempt, send sender) answer {
		if begins(a.Op, a.N) {
			select {
			case <-ctx.Done():
			case <-time.After(was(a.Op, a.N)):
			}
		}
		return send(ctx, a)
	})
}
