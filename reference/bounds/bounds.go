// Package bounds holds the bounds of what may be asked of one call: by a saga, and by a
// template of policies. Beyond them a number is a mistake, and would become another one
// in the executor: durations that overflow, memory that a breaker takes, a saga that
// holds up all the others. What bounds whole sagas is in package reference.
package bounds

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/sagacheck/sagacheck/saga"
)

// The bounds. Durations are those of waits, deadlines and open circuits.
const (
	NameLength     = 200 // bytes of the name of a saga, of a breaker
	Attempts       = 1_000_000
	AttemptTimeout = 24 * time.Hour
	Duration       = 30 * 24 * time.Hour
	Failures       = 10_000 // of a breaker
	Probes         = 1000
	Burst          = 10_000 // of a retry budget
	RetryAfter     = time.Hour
)

// Excess is a number or a name beyond its bound.
type Excess struct {
	Field  string // retry.max_attempts
	Reason string // quotes it and says what was expected
}

type number struct {
	field string
	value int
	most  int64
}

// Retry finds the numbers of a policy that are out of bounds. A number below 0 is for
// its Validate to refuse.
func Retry(r saga.RetryPolicy) []Excess {
	return append(name("retry.adaptive.name", r.Adaptive.Name), beyond([]number{
		{"retry.max_attempts", r.MaxAttempts, Attempts},
		{"retry.initial_interval_ms", r.InitialIntervalMS, Duration.Milliseconds()},
		{"retry.max_interval_ms", r.MaxIntervalMS, Duration.Milliseconds()},
		{"retry.attempt_timeout_ms", r.AttemptTimeoutMS, AttemptTimeout.Milliseconds()},
		{"retry.deadline_ms", r.DeadlineMS, Duration.Milliseconds()},
		{"retry.round_delay_ms", r.RoundDelayMS, Duration.Milliseconds()},
	})...)
}

// Breaker finds what is out of bounds in a breaker.
func Breaker(b saga.Breaker) []Excess {
	return append(name("breaker.name", b.Name), beyond([]number{
		{"breaker.failures", b.Failures, Failures},
		{"breaker.open_ms", b.OpenMS, Duration.Milliseconds()},
		{"breaker.probes", b.Probes, Probes},
	})...)
}

// RetryBudget finds what is out of bounds in a retry budget.
func RetryBudget(b saga.RetryBudget) []Excess {
	return append(name("retry_budget.name", b.Name), beyond([]number{{"retry_budget.burst", b.Burst, Burst}})...)
}

// Budget finds what is out of bounds in the budget of a saga.
func Budget(b saga.Budget) []Excess {
	return beyond([]number{
		{"budget.attempts", b.Attempts, Attempts},
		{"budget.time_ms", b.TimeMS, Duration.Milliseconds()},
	})
}

// Rounds finds what is out of bounds in the rounds of a saga.
func Rounds(d saga.Definition) []Excess {
	return beyond([]number{{"round_delay_ms", d.RoundDelayMS, Duration.Milliseconds()}})
}

// name finds what is wrong with the name of something that calls share.
func name(field, name string) (all []Excess) {
	if len(name) > NameLength {
		all = append(all, Excess{field, fmt.Sprintf("%d bytes: expected at most %d", len(name), NameLength)})
	}
	if strings.ContainsFunc(name, unicode.IsControl) { // a store's column may not take them
		all = append(all, Excess{field, fmt.Sprintf("%q: expected no control characters", name)})
	}
	return all
}

func beyond(numbers []number) (all []Excess) {
	for _, n := range numbers {
		if int64(n.value) > n.most {
			all = append(all, Excess{n.field, fmt.Sprintf("%d: expected at most %d", n.value, n.most)})
		}
	}
	return all
}
