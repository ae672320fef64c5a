package faults

import (
	"net/http"

	"github.com/sagacheck/sagacheck/saga"
)

// throttle is 429 with Retry-After (RFC 6585, RFC 9110 section 10.2.3).
type throttle struct{ plain }

var _ Kind = throttle{}

func (throttle) Doc() KindDoc {
	return KindDoc{
		Name: "throttle", Phases: []saga.Phase{saga.Receive}, Fields: []string{"retry_after_s"}, Transient: true,
		Answers: true,
		Text:    "the participant answers 429 with Retry-After, nothing was done",
	}
}

func (throttle) Validate(f Fault) error { return positive("retry_after_s", f.RetryAfterS) }

// Injection is an answer.
func (throttle) Injection(f Fault, _ int) Injection {
	return Injection{Answer: &Answer{Code: http.StatusTooManyRequests, Title: "too many requests", RetryAfterS: f.RetryAfterS}}
}

// Usual is the shortest Retry-After.
func (throttle) Usual(f Fault, _ saga.RetryPolicy) []Fault {
	f.RetryAfterS = 1
	return []Fault{f}
}

// Simpler names no time.
func (throttle) Simpler(f Fault, p saga.RetryPolicy) []Fault {
	return []Fault{instead(f, saga.Receive, p, Answers(http.StatusServiceUnavailable))}
}
