package scenarios

import (
	"fmt"
	"math"
	"strings"

	"github.com/sagacheck/sagacheck/saga"
)

// DefaultRetry is the policy of actions where a scenario says nothing.
var DefaultRetry = saga.RetryPolicy{MaxAttempts: 4, InitialIntervalMS: 5, Multiplier: 2, MaxIntervalMS: 40, Jitter: 0.5, AttemptTimeoutMS: 250}

// DefaultUndoRetry is the policy of compensations where a scenario says nothing:
// a compensation must succeed in the end.
var DefaultUndoRetry = saga.RetryPolicy{MaxAttempts: 0, InitialIntervalMS: 5, Multiplier: 2, MaxIntervalMS: 40, Jitter: 0.5, AttemptTimeoutMS: 250}

// over is the policy p with what it leaves open taken from base.
func (p *Policy) over(base saga.RetryPolicy) saga.RetryPolicy {
	if p == nil {
		return base
	}
	override(&base.MaxAttempts, p.MaxAttempts)
	override(&base.InitialIntervalMS, p.InitialIntervalMS)
	override(&base.Multiplier, p.Multiplier)
	override(&base.MaxIntervalMS, p.MaxIntervalMS)
	override(&base.Jitter, p.Jitter)
	override(&base.AttemptTimeoutMS, p.AttemptTimeoutMS)
	override(&base.DeadlineMS, p.DeadlineMS)
	override(&base.Rounds, p.Rounds)
	override(&base.RoundDelayMS, p.RoundDelayMS)
	override(&base.Adaptive, p.Adaptive)
	return base
}

func override[T any](base, p *T) {
	if p != nil {
		*base = *p
	}
}

// actionPolicy is the policy of the action of a step. A retriable step must
// succeed in the end, so the scenario's limits do not reach it.
func (s *Scenario) actionPolicy(st *Step) saga.RetryPolicy {
	base := s.Retry.over(DefaultRetry)
	if st.Kind == saga.Retriable {
		base.MaxAttempts, base.DeadlineMS, base.Rounds, base.RoundDelayMS = 0, 0, 0, 0
	}
	return st.Retry.over(base)
}

// undoPolicy is the policy of the compensation of a step.
func (s *Scenario) undoPolicy(st *Step) saga.RetryPolicy {
	return st.UndoRetry.over(s.UndoRetry.over(DefaultUndoRetry))
}

// Follow gives each step the policies that its calls have elsewhere; its breaker stays.
func (s *Scenario) Follow(of func(step, participant string, d saga.Direction, c saga.Call) saga.Call) {
	for i := range s.Steps {
		st := &s.Steps[i]
		action := of(st.Name, st.Participant, saga.Action, saga.Call{Retry: s.actionPolicy(st)})
		st.Retry = full(action.Retry)
		if st.undoMode() != UndoNone {
			undo := of(st.Name, st.Participant, saga.Compensation, saga.Call{Retry: s.undoPolicy(st)})
			st.UndoRetry = full(undo.Retry)
		}
	}
}

// policyText is a policy in words: "4×, from 5 ms ×2 up to 40 ms ±50 %, time-out 250 ms".
func policyText(p saga.RetryPolicy) string {
	var b strings.Builder
	switch p.MaxAttempts {
	case 0:
		b.WriteString("until it succeeds,")
	case 1:
		fmt.Fprintf(&b, "once, time-out %d ms", p.AttemptTimeoutMS)
		return b.String()
	default:
		fmt.Fprintf(&b, "%d×,", p.MaxAttempts)
	}
	fmt.Fprintf(&b, " from %d ms", p.InitialIntervalMS)
	if p.Multiplier != 1 {
		fmt.Fprintf(&b, " ×%g up to %d ms", p.Multiplier, p.MaxIntervalMS)
	}
	if p.Jitter > 0 {
		fmt.Fprintf(&b, " ±%g %%", math.Round(p.Jitter*1000)/10)
	}
	fmt.Fprintf(&b, ", time-out %d ms", p.AttemptTimeoutMS)
	if p.DeadlineMS > 0 {
		fmt.Fprintf(&b, ", deadline %d ms", p.DeadlineMS)
	}
	if p.Rounds > 1 {
		fmt.Fprintf(&b, ", %d rounds, %d ms apart, with a look at what is there before each", p.Rounds, p.RoundDelayMS)
	}
	if a := p.Adaptive; !a.IsZero() {
		fmt.Fprintf(&b, "; by the latency of %s, %d %% of its answers: time-out ×%g, at least %d ms, first wait at least %d ms", a.Name, a.Percentile, a.Times, a.MinTimeoutMS, a.MinWaitMS)
	}
	return b.String()
}

// Scale returns a copy in which all times are multiplied: of policies, breakers
// and a thread's plan. Slower engines need factors above 1. A time that was not
// zero does not become zero.
func (s *Scenario) Scale(factor float64) *Scenario {
	c := *s
	if factor == 1 {
		return &c
	}
	// the defaults are times too, so they are written out before scaling
	c.Retry, c.UndoRetry = full(s.Retry.over(DefaultRetry)), full(s.UndoRetry.over(DefaultUndoRetry))
	c.Retry, c.UndoRetry = c.Retry.scale(factor), c.UndoRetry.scale(factor)
	c.RoundDelayMS = scaleMS(s.RoundDelayMS, factor)
	c.Budget.TimeMS = scaleMS(s.Budget.TimeMS, factor)
	c.Steps = make([]Step, len(s.Steps))
	for i, st := range s.Steps {
		st.Retry, st.UndoRetry = st.Retry.scale(factor), st.UndoRetry.scale(factor)
		if st.Breaker != nil {
			b := *st.Breaker
			b.OpenMS = scaleMS(b.OpenMS, factor)
			st.Breaker = &b
		}
		if st.RetryBudget != nil {
			b := *st.RetryBudget
			b.MinPerSecond /= factor
			st.RetryBudget = &b
		}
		c.Steps[i] = st
	}
	if s.Thread != nil {
		t := *s.Thread
		t.Plan, _ = scalePlan(t.Plan, factor).(map[string]any)
		c.Thread = &t
	}
	return &c
}

// full is a policy in which every field is set.
func full(p saga.RetryPolicy) *Policy {
	return &Policy{
		MaxAttempts: &p.MaxAttempts, InitialIntervalMS: &p.InitialIntervalMS, Multiplier: &p.Multiplier,
		MaxIntervalMS: &p.MaxIntervalMS, Jitter: &p.Jitter, AttemptTimeoutMS: &p.AttemptTimeoutMS, DeadlineMS: &p.DeadlineMS,
		Rounds: &p.Rounds, RoundDelayMS: &p.RoundDelayMS, Adaptive: &p.Adaptive,
	}
}

func (p *Policy) scale(factor float64) *Policy {
	if p == nil {
		return nil
	}
	c := *p
	for _, field := range []**int{&c.InitialIntervalMS, &c.MaxIntervalMS, &c.AttemptTimeoutMS, &c.DeadlineMS, &c.RoundDelayMS} {
		if *field != nil {
			*field = new(scaleMS(**field, factor))
		}
	}
	if p.Adaptive != nil {
		a := *p.Adaptive
		a.MinTimeoutMS, a.MinWaitMS = scaleMS(a.MinTimeoutMS, factor), scaleMS(a.MinWaitMS, factor)
		c.Adaptive = &a
	}
	return &c
}

func scaleMS(ms int, factor float64) int {
	if ms == 0 {
		return 0
	}
	return max(1, int(math.Round(float64(ms)*factor)))
}

// scalePlan multiplies every number under a key that ends in _ms.
func scalePlan(v any, factor float64) any {
	switch v := v.(type) {
	case map[string]any:
		c := make(map[string]any, len(v))
		for key, value := range v {
			if ms, ok := milliseconds(value); ok && strings.HasSuffix(key, "_ms") {
				c[key] = scaleMS(ms, factor)
			} else {
				c[key] = scalePlan(value, factor)
			}
		}
		return c
	case []any:
		c := make([]any, len(v))
		for i := range v {
			c[i] = scalePlan(v[i], factor)
		}
		return c
	}
	return v
}

func milliseconds(v any) (int, bool) {
	switch v := v.(type) {
	case int:
		return v, true
	case int64:
		return int(v), true
	case uint64:
		return int(v), true
	case float64:
		return int(v), true
	}
	return 0, false
}
