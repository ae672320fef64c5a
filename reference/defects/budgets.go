package defects

import (
	"time"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

// budgetDefects break what bounds the retries of several calls together, and the bounds of
// what adapts.
var budgetDefects = []Defect{
	{
		Name: "retry-budget-ignored", Anomaly: "retry-amplification", Needs: "more transient errors at once than the retry budget allows retries",
		Description: "the retry budget is configured and never asked",
		lay:         retryBudgetIgnored,
	},
	{
		Name: "retry-budget-per-saga", Anomaly: "retry-amplification", Needs: "more transient errors at once than the retry budget allows retries, of several sagas",
		Description: "each saga has a retry budget of its own",
		lay:         retryBudgetPerSaga,
	},
	{
		Name: "retry-budget-full-after-restart", Anomaly: "retry-amplification", Needs: "a crash while retries wait for the retry budget",
		Description: "a restart fills the retry budget",
		lay:         retryBudgetFullAfterRestart,
	},
	{
		Name: "saga-budget-ignored", Anomaly: "retry-budget", Needs: "transient errors of several actions, more than the budget of the saga allows attempts",
		Description: "only the policy of each call ends its attempts",
		lay:         sagaBudgetIgnored,
	},
	{
		Name: "saga-budget-per-step", Anomaly: "retry-budget", Needs: "transient errors of several actions, more than the budget of the saga allows attempts",
		Description: "the budget of the saga counts the attempts of each action alone",
		lay:         sagaBudgetPerStep,
	},
	{
		Name: "adaptive-without-ceiling", Anomaly: "adaptive-out-of-bounds", Needs: "an attempt that times out, and another one that nobody answers",
		Description: "the time-out follows the observed latency beyond attempt_timeout_ms",
		lay:         adaptiveWithoutCeiling,
	},
	{
		Name: "adaptive-without-floor", Anomaly: "adaptive-out-of-bounds", Needs: "a quick answer, and an attempt that nobody answers",
		Description: "the time-out follows the observed latency below min_timeout_ms",
		lay:         adaptiveWithoutFloor,
	},
	{
		Name: "adaptive-without-wait", Anomaly: "adaptive-out-of-bounds", Needs: "a quick answer, and a transient error of the next call",
		Description: "the first wait follows the observed latency below min_wait_ms",
		lay:         adaptiveWithoutWait,
	},
}

func retryBudgetIgnored(r *reference.Rules) {
	r.RetryBudget = func(op) *saga.RetryBudget { return nil }
}

func retryBudgetPerSaga(r *reference.Rules) {
	r.RetryBudget = changed(r.RetryBudget, func(o op, b *saga.RetryBudget) { b.Name += "/" + o.Saga.ID })
}

func retryBudgetFullAfterRestart(r *reference.Rules) {
	was, restarted := r.FirstTokens, hasRestarted(r)
	r.FirstTokens = func(b saga.RetryBudget, up time.Duration) float64 {
		if restarted.Load() {
			return float64(b.Burst)
		}
		return was(b, up)
	}
}

func sagaBudgetIgnored(r *reference.Rules) {
	r.Spent = func(*state, reference.Ref, time.Time) bool { return false }
	overLimits(r, func(_ *state, _ reference.Ref, l *reference.Limits) { l.Until = time.Time{} })
}

func sagaBudgetPerStep(r *reference.Rules) {
	r.Attempted = func(s *state, step int) int { return s.Actions[step].Attempts }
}

// overAdapted changes the policy that follows what is observed.
func overAdapted(r *reference.Rules, f func(p *saga.RetryPolicy)) {
	was := r.Adapt
	r.Adapt = func(p saga.RetryPolicy, latency time.Duration) saga.RetryPolicy {
		f(&p)
		return was(p, latency)
	}
}

func adaptiveWithoutCeiling(r *reference.Rules) {
	overAdapted(r, func(p *saga.RetryPolicy) { p.AttemptTimeoutMS *= 10 })
}

func adaptiveWithoutFloor(r *reference.Rules) {
	overAdapted(r, func(p *saga.RetryPolicy) { p.Adaptive.MinTimeoutMS = 1 })
}

func adaptiveWithoutWait(r *reference.Rules) {
	overAdapted(r, func(p *saga.RetryPolicy) { p.Adaptive.MinWaitMS = 0 })
}
