package reference

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/sagacheck/sagacheck/saga"
)

// The bounds of what a saga may ask for. Beyond them a number is a mistake, and
// would become another one here: durations that overflow, memory that a breaker
// takes, a saga that holds up all the others. They are checked at the door, and
// kept to by what comes from the store (bounded).
const (
	maxBody           = 1 << 20 // bytes of a submitted saga
	maxSteps          = 5000
	maxEdges          = 50_000 // names in all the steps' after together
	maxNameLength     = 200    // of a saga, of a breaker
	maxURLLength      = 4096
	maxAttempts       = 1_000_000
	maxAttemptTimeout = 24 * time.Hour
	maxDuration       = 30 * 24 * time.Hour // of waits, deadlines, open circuits
	maxFailures       = 10_000              // of a breaker
	maxProbes         = 1000
	maxRetryAfter     = time.Hour
)

// The floor under the waits: a policy without pauses may be hasty for some attempts,
// not for ever.
const (
	hastyAttempts = 10
	leastWait     = 20 * time.Millisecond
)

// validateBounds checks numbers and sizes; an error names the field.
func validateBounds(d saga.Definition) error {
	if len(d.Name) > maxNameLength {
		return &InvalidError{"name", fmt.Sprintf("%d bytes: expected at most %d", len(d.Name), maxNameLength)}
	}
	if len(d.Steps) > maxSteps {
		return &InvalidError{"steps", fmt.Sprintf("%d: expected at most %d", len(d.Steps), maxSteps)}
	}
	edges := 0
	for i, s := range d.Steps {
		if edges += len(s.After); edges > maxEdges {
			return &InvalidError{fmt.Sprintf("steps[%d].after", i), fmt.Sprintf("more than %d names in all steps together", maxEdges)}
		}
	}
	return eachCall(d, validateNumbers)
}

func validateNumbers(c saga.Call) *InvalidError {
	if len(c.URL) > maxURLLength {
		return &InvalidError{"url", fmt.Sprintf("%d bytes: expected at most %d", len(c.URL), maxURLLength)}
	}
	type number struct {
		field string
		value int
		most  int64
	}
	r := c.Retry
	numbers := []number{
		{"retry.max_attempts", r.MaxAttempts, maxAttempts},
		{"retry.initial_interval_ms", r.InitialIntervalMS, maxDuration.Milliseconds()},
		{"retry.max_interval_ms", r.MaxIntervalMS, maxDuration.Milliseconds()},
		{"retry.attempt_timeout_ms", r.AttemptTimeoutMS, maxAttemptTimeout.Milliseconds()},
		{"retry.deadline_ms", r.DeadlineMS, maxDuration.Milliseconds()},
	}
	if b := c.Breaker; b != nil {
		if len(b.Name) > maxNameLength {
			return &InvalidError{"breaker.name", fmt.Sprintf("%d bytes: expected at most %d", len(b.Name), maxNameLength)}
		}
		if strings.ContainsFunc(b.Name, unicode.IsControl) { // a store's column may not take them
			return &InvalidError{"breaker.name", fmt.Sprintf("%q: expected no control characters", b.Name)}
		}
		numbers = append(numbers,
			number{"breaker.failures", b.Failures, maxFailures},
			number{"breaker.open_ms", b.OpenMS, maxDuration.Milliseconds()},
			number{"breaker.probes", b.Probes, maxProbes})
	}
	for _, n := range numbers {
		if int64(n.value) > n.most {
			return &InvalidError{n.field, fmt.Sprintf("%d: expected at most %d", n.value, n.most)}
		}
	}
	return nil
}

// bounded is a call as it is carried out: what an earlier version accepted, which
// knew no bounds, keeps to them too.
func bounded(c saga.Call) saga.Call {
	most := int(maxDuration.Milliseconds())
	r := &c.Retry
	r.MaxAttempts = min(r.MaxAttempts, maxAttempts)
	r.InitialIntervalMS = min(r.InitialIntervalMS, most)
	r.MaxIntervalMS = min(r.MaxIntervalMS, most)
	r.DeadlineMS = min(r.DeadlineMS, most)
	r.AttemptTimeoutMS = min(r.AttemptTimeoutMS, int(maxAttemptTimeout.Milliseconds()))
	if c.Breaker != nil {
		b := *c.Breaker
		b.Name = strings.ReplaceAll(b.Name, "\x00", "")
		b.Failures, b.Probes, b.OpenMS = min(b.Failures, maxFailures), min(b.Probes, maxProbes), min(b.OpenMS, most)
		c.Breaker = &b
	}
	return c
}

// band is the interval in which the wait before attempt n lies: the policy's, but
// for the floor, and for what a float makes of nothing times infinity.
func band(p saga.RetryPolicy, n int) (lo, hi time.Duration) {
	if p.InitialIntervalMS > 0 && !math.IsInf(math.Pow(p.Multiplier, float64(n-2)), 0) {
		lo, hi = p.Band(n)
	} else if p.InitialIntervalMS > 0 { // the policy's longest
		p.InitialIntervalMS = p.MaxIntervalMS
		lo, hi = p.Band(2)
	}
	if n > hastyAttempts {
		lo, hi = max(lo, leastWait), max(hi, leastWait)
	}
	return lo, hi
}

// retryAfter reads the two forms of Retry-After (RFC 9110, 10.2.3); zero if there is
// nothing to be read. No participant may hold a saga for longer than maxRetryAfter:
// more is cut, and cut says so.
func retryAfter(v string, now time.Time) (at time.Time, cut bool) {
	most := now.Add(maxRetryAfter)
	if v != "" && strings.Trim(v, "0123456789") == "" {
		s, err := strconv.ParseInt(v, 10, 64)
		if err != nil || s > int64(maxRetryAfter/time.Second) {
			return most, true
		}
		return now.Add(time.Duration(s) * time.Second), false
	}
	t, err := http.ParseTime(v)
	switch {
	case err != nil:
		return time.Time{}, false
	case t.After(most):
		return most, true
	}
	return now.Add(t.Sub(now)), false // with now's monotonic clock
}
