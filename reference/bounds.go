package reference

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/reference/bounds"
	"github.com/sagacheck/sagacheck/saga"
)

// bounded is a call as it is carried out: what an earlier version accepted, which
// knew no bounds, keeps to them too.
func bounded(c saga.Call) saga.Call {
	most := int(bounds.Duration.Milliseconds())
	r := &c.Retry
	r.MaxAttempts = min(r.MaxAttempts, bounds.Attempts)
	r.InitialIntervalMS = min(r.InitialIntervalMS, most)
	r.MaxIntervalMS = min(r.MaxIntervalMS, most)
	r.DeadlineMS = min(r.DeadlineMS, most)
	r.RoundDelayMS = min(r.RoundDelayMS, most)
	r.AttemptTimeoutMS = min(r.AttemptTimeoutMS, int(bounds.AttemptTimeout.Milliseconds()))
	if c.Breaker != nil {
		b := *c.Breaker
		b.Name = strings.ReplaceAll(b.Name, "\x00", "")
		b.Failures, b.Probes, b.OpenMS = min(b.Failures, bounds.Failures), min(b.Probes, bounds.Probes), min(b.OpenMS, most)
		c.Breaker = &b
	}
	return c
}

// retryAfter reads the two forms of Retry-After (RFC 9110, 10.2.3); zero if there is
// nothing to be read. No participant may hold a saga for longer than bounds.RetryAfter:
// more is cut, and cut says so.
func retryAfter(v string, now time.Time) (at time.Time, cut bool) {
	most := now.Add(bounds.RetryAfter)
	if v != "" && strings.Trim(v, "0123456789") == "" {
		s, err := strconv.ParseInt(v, 10, 64)
		if err != nil || s > int64(bounds.RetryAfter/time.Second) {
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
