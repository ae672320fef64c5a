package saga

import (
	"cmp"
	"fmt"
	"math"
	"time"
)

// RetryBudget keeps retries from multiplying an outage: all calls that name the same one,
// which is to say those of one participant, take their retries from one bucket of tokens.
// Each first attempt puts Share of a token into it, each second MinPerSecond of them, and it
// holds no more than Burst; an attempt after the first takes one, or waits for it. In any
// time there are no more retries than Burst, and Share of the first attempts in it, and
// MinPerSecond of its seconds. What waits is no attempt.
//
// Source: Finagle's RetryBudget and Linkerd's; the bound is that of a token bucket.
type RetryBudget struct {
	Name         string  `json:"name" yaml:"name"`
	Share        float64 `json:"share" yaml:"share"`                   // 0 to 1
	MinPerSecond float64 `json:"min_per_second" yaml:"min_per_second"` // above 0: what waits goes on in the end
	Burst        int     `json:"burst" yaml:"burst"`                   // 1 or more
}

// Validate checks the budget's numbers.
func (b RetryBudget) Validate() error {
	switch {
	case b.Name == "":
		return fmt.Errorf("name: %q: expected a name", b.Name)
	case !(b.Share >= 0 && b.Share <= 1):
		return fmt.Errorf("share: %v: expected 0 to 1", b.Share)
	case !(b.MinPerSecond >= 0.01 && b.MinPerSecond <= 10_000):
		return fmt.Errorf("min_per_second: %v: expected 0.01 to 10000", b.MinPerSecond)
	case b.Burst < 1:
		return fmt.Errorf("burst: %d: expected 1 or more", b.Burst)
	}
	return nil
}

// LongestHold bounds how long a retry may wait for its token in a cell: until each other
// call of the same budget has taken one, and one more for what a restart forgot. None: 0.
func LongestHold(ds []Definition, b *RetryBudget) time.Duration {
	if b == nil {
		return 0
	}
	calls := 1
	for _, d := range ds {
		for _, s := range d.Steps {
			for _, c := range []*Call{&s.Action, s.Compensation} {
				if c != nil && c.RetryBudget != nil && c.RetryBudget.Name == b.Name {
					calls++
				}
			}
		}
	}
	return time.Duration(float64(calls) / b.MinPerSecond * float64(time.Second))
}

// Budget bounds all layers of retries of one saga together, on its way forward: when its
// actions have been attempted so often, or so much time has passed since it was accepted,
// no attempt of an action begins any more, and what has not succeeded has failed. It ends
// nothing of what must come to its end: no compensation, nothing past the pivot, no pivot
// that can't be undone once it was attempted, and no deferrable step in the background.
type Budget struct {
	Attempts int `json:"attempts,omitempty" yaml:"attempts,omitempty"` // of all actions together; 0: any number
	TimeMS   int `json:"time_ms,omitempty" yaml:"time_ms,omitempty"`   // since the saga was accepted; 0: any time
}

// Time is how long actions may begin; 0: for ever.
func (b Budget) Time() time.Duration { return time.Duration(b.TimeMS) * time.Millisecond }

// Validate checks the budget of a saga of so many steps.
func (b Budget) Validate(steps int) error {
	switch {
	case b.Attempts < 0 || b.Attempts > 0 && b.Attempts < steps:
		return fmt.Errorf("attempts: %d: expected 0 (any number), or at least one for each of the %d steps", b.Attempts, steps)
	case b.TimeMS < 0:
		return fmt.Errorf("time_ms: %d: expected 0 (any time) or more", b.TimeMS)
	}
	return nil
}

// Adaptive lets a policy follow what is observed of the participant, downwards from its own
// numbers: the time-out of an attempt is Times the observed latency, no less than
// MinTimeoutMS and no more than the policy's attempt_timeout_ms; the wait before the second
// attempt, before jitter, is that latency, no less than MinWaitMS and no more than its
// initial_interval_ms. While nothing has been observed the policy's numbers count.
//
// The latency is that percentile of how long the latest attempts took that were answered, or
// that timed out, of all calls that name the same.
type Adaptive struct {
	Name         string  `json:"name" yaml:"name"`
	Percentile   int     `json:"percentile" yaml:"percentile"` // 1 to 100
	Times        float64 `json:"times" yaml:"times"`           // 1 to 100
	MinTimeoutMS int     `json:"min_timeout_ms" yaml:"min_timeout_ms"`
	MinWaitMS    int     `json:"min_wait_ms" yaml:"min_wait_ms"`
}

// IsZero tells whether the policy follows nothing.
func (a Adaptive) IsZero() bool { return a == Adaptive{} }

// validate checks the numbers under the policy that they narrow.
func (a Adaptive) validate(p RetryPolicy) error {
	switch {
	case a.IsZero():
		return nil
	case a.Name == "":
		return fmt.Errorf("adaptive.name: %q: expected a name", a.Name)
	case a.Percentile < 1 || a.Percentile > 100:
		return fmt.Errorf("adaptive.percentile: %d: expected 1 to 100", a.Percentile)
	case !(a.Times >= 1 && a.Times <= 100):
		return fmt.Errorf("adaptive.times: %v: expected 1 to 100", a.Times)
	case a.MinTimeoutMS < 1 || a.MinTimeoutMS > p.AttemptTimeoutMS:
		return fmt.Errorf("adaptive.min_timeout_ms: %d: expected 1 to attempt_timeout_ms (%d)", a.MinTimeoutMS, p.AttemptTimeoutMS)
	case a.MinWaitMS < 0 || a.MinWaitMS > p.InitialIntervalMS:
		return fmt.Errorf("adaptive.min_wait_ms: %d: expected 0 to initial_interval_ms (%d)", a.MinWaitMS, p.InitialIntervalMS)
	}
	return nil
}

// At is the policy as it is when a latency is observed, in whole milliseconds, upwards; it
// follows nothing any more.
func (p RetryPolicy) At(latency time.Duration) RetryPolicy {
	a := p.Adaptive
	if a.IsZero() {
		return p
	}
	p.Adaptive = Adaptive{}
	ms := float64(latency) / float64(time.Millisecond)
	p.AttemptTimeoutMS = within(a.Times*ms, a.MinTimeoutMS, p.AttemptTimeoutMS)
	p.InitialIntervalMS = within(ms, a.MinWaitMS, p.InitialIntervalMS)
	return p
}

func within(ms float64, least, most int) int {
	return int(math.Ceil(min(max(ms, float64(least)), float64(most))))
}

// ShortestTimeout is the shortest time-out that an attempt may have; 0 means no limit.
func (p RetryPolicy) ShortestTimeout() time.Duration {
	return time.Duration(cmp.Or(p.Adaptive.MinTimeoutMS, p.AttemptTimeoutMS)) * time.Millisecond
}

// least is the policy with its shortest waits.
func (p RetryPolicy) least() RetryPolicy {
	if !p.Adaptive.IsZero() {
		p.InitialIntervalMS = p.Adaptive.MinWaitMS
	}
	return p
}

// Budgeted tells whether the budget of a saga counts the attempts of the step's action, and
// may end them: not what must come to its end.
func (s Step) Budgeted() bool { return s.Kind == Compensatable || s.Kind == Pivot && !s.Unbounded() }
