package defects

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

var retryDefects = []Defect{
	{
		Name: "retry-permanent", Anomaly: "retried-permanent-error", Source: "dtm #545", Needs: "a permanent error of an action",
		Description: "an action that was refused for good is attempted again",
		lay:         retryPermanent,
	},
	{
		Name: "retry-refused-compensation", Anomaly: "retried-permanent-error", Source: "seata-go #685", Needs: "a permanent error of a compensation",
		Description: "a compensation that was refused for good is attempted without end",
		lay:         retryRefusedCompensation,
	},
	{
		Name: "one-attempt-too-many", Anomaly: "retry-budget", Needs: "as many transient errors as the policy allows attempts",
		Description: "the maximum of attempts is taken for the maximum of retries",
		lay:         oneAttemptTooMany,
	},
	{
		Name: "retries-ignored", Anomaly: "retry-budget", Source: "n8n #9236, #7098", Needs: "a transient error with an answer",
		Description: "the first transient answer fails the operation, whatever its policy says",
		lay:         retriesIgnored,
	},
	{
		Name: "budget-restarts", Anomaly: "retry-budget", Needs: "a crash after several transient errors of one step",
		Description: "attempts are counted in memory, so that a restart forgets them",
		lay:         budgetRestarts,
	},
	{
		Name: "ignore-deadline", Anomaly: "retry-budget", Needs: "a policy with a deadline, and transient errors beyond it",
		Description: "attempts go on after the policy's deadline",
		lay:         ignoreDeadline,
	},
	{
		Name: "no-backoff", Anomaly: "backoff-violation", Needs: "transient errors of one action, so many that its wait is long enough to be measured",
		Description: "an action is attempted again at once",
		lay:         noBackoff,
	},
	{
		Name: "compensation-storm", Anomaly: "backoff-violation", Source: "dtm #306", Needs: "transient errors of one compensation, so many that its wait is long enough to be measured",
		Description: "compensations are attempted again at once, since the next time is computed in another time zone",
		lay:         compensationStorm,
	},
	{
		Name: "coarse-timer", Anomaly: "backoff-violation", Needs: "a transient error",
		Description: "what has to wait is looked at once a second, so that short waits become long ones",
		lay:         coarseTimer,
	},
	{
		Name: "backoff-one-step-behind", Anomaly: "backoff-violation", Needs: "transient errors of one operation, so many that its wait is long enough to be measured",
		Description: "the wait before attempt n is the one before attempt n-1, so that the first retry comes at once",
		lay:         backoffOneStepBehind,
	},
	{
		Name: "ignore-retry-after", Anomaly: "backoff-violation", Needs: "429 or 503 with a Retry-After longer than the wait",
		Description: "the Retry-After of an answer is not read",
		lay:         ignoreRetryAfter,
	},
	{
		Name: "no-jitter", Anomaly: "thundering-herd", Needs: "many sagas that fail together",
		Description: "every wait is the middle of its band",
		lay:         noJitter,
	},
	{
		Name: "shared-jitter", Anomaly: "thundering-herd", Needs: "many sagas that fail together",
		Description: "all sagas draw the same jitter, from a generator seeded with the attempt's number",
		lay:         sharedJitter,
	},
	{
		Name: "breaker-ignored", Anomaly: "breaker-violation", Needs: "as many failures in a row as open the breaker",
		Description: "the circuit breaker is configured and never asked",
		lay:         breakerIgnored,
	},
	{
		Name: "breaker-per-saga", Anomaly: "breaker-violation", Needs: "as many failures in a row as open the breaker, of several sagas",
		Description: "each saga has a circuit breaker of its own",
		lay:         breakerPerSaga,
	},
	{
		Name: "half-open-floods", Anomaly: "breaker-violation", Needs: "an open breaker with several calls waiting",
		Description: "a half-open breaker lets everything through",
		lay:         halfOpenFloods,
	},
	{
		Name: "repeat-succeeded", Anomaly: "redundant-call", Source: "n8n #12096", Needs: anywhere,
		Description: "a call that succeeded is made again, under the same key, until its attempts are used up",
		lay:         repeatSucceeded,
	},
}

func retryPermanent(r *reference.Rules) {
	overMeaning(r, func(o op, _ answer, m saga.Answer) saga.Answer {
		if isAction(o) && m == saga.Permanent {
			return saga.Transient
		}
		return m
	})
}

func retryRefusedCompensation(r *reference.Rules) {
	overMeaning(r, func(o op, _ answer, m saga.Answer) saga.Answer {
		if isUndo(o) && m == saga.Permanent {
			return saga.Transient
		}
		return m
	})
}

func oneAttemptTooMany(r *reference.Rules) {
	overLimits(r, func(_ *state, _ reference.Ref, l *reference.Limits) {
		if l.Policy.MaxAttempts > 0 {
			l.Policy.MaxAttempts++
		}
	})
}

func retriesIgnored(r *reference.Rules) {
	overConclusion(r, func(o op, a answer, c *reference.Outcome) {
		if isAction(o) && c.Answer == saga.Transient && a.Code != 0 {
			c.Exhausted = true
		}
	})
}

func budgetRestarts(r *reference.Rules) {
	type operation struct {
		saga string
		reference.Ref
	}
	var forgotten sync.Map // attempts by operation
	onRestart(r, func(_ *reference.Executor, s *state) {
		for i := range s.Def.Steps {
			for _, dir := range []saga.Direction{saga.Action, saga.Compensation} {
				ref := reference.Ref{Step: i, Dir: dir}
				forgotten.Store(operation{s.Def.ID, ref}, s.Op(ref).Attempts)
			}
		}
	})
	overLimits(r, func(s *state, ref reference.Ref, l *reference.Limits) {
		if n, ok := forgotten.Load(operation{s.Def.ID, ref}); ok && l.Policy.MaxAttempts > 0 {
			l.Policy.MaxAttempts += n.(int)
		}
	})
}

func ignoreDeadline(r *reference.Rules) {
	overLimits(r, func(_ *state, _ reference.Ref, l *reference.Limits) { l.Policy.DeadlineMS = 0 })
}

func noBackoff(r *reference.Rules) {
	overWaits(r, func(o op, _ int, wait time.Duration) time.Duration {
		if isAction(o) {
			return 0
		}
		return wait
	})
}

func compensationStorm(r *reference.Rules) {
	overWaits(r, func(o op, _ int, wait time.Duration) time.Duration {
		if isUndo(o) {
			return 0
		}
		return wait
	})
}

func coarseTimer(r *reference.Rules) {
	overWaits(r, func(_ op, _ int, wait time.Duration) time.Duration { return wait.Truncate(time.Second) + time.Second })
}

func backoffOneStepBehind(r *reference.Rules) {
	was := r.Wait
	r.Wait = func(o op, n int) time.Duration { return was(o, max(1, n-1)) }
}

func ignoreRetryAfter(r *reference.Rules) {
	r.RetryAfter = func(string, time.Time) (time.Time, bool) { return time.Time{}, false }
}

func noJitter(r *reference.Rules) {
	r.Draw = func(int) float64 { return 0.5 }
}

func sharedJitter(r *reference.Rules) {
	r.Draw = func(n int) float64 { return rand.New(rand.NewPCG(uint64(n), 0)).Float64() }
}

func breakerIgnored(r *reference.Rules) {
	r.Breaker = func(op) *saga.Breaker { return nil }
}

func breakerPerSaga(r *reference.Rules) {
	r.Breaker = changed(r.Breaker, func(o op, b *saga.Breaker) { b.Name += "/" + o.Saga.ID })
}

func halfOpenFloods(r *reference.Rules) {
	r.Probe = func(saga.Breaker, int) bool { return true }
}

func repeatSucceeded(r *reference.Rules) {
	repeatDone(r, func(a attempt) attempt { return a })
}
