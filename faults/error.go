package faults

import (
	"net/http"

	"github.com/sagacheck/sagacheck/saga"
)

// serverError is the kind "error": 500, before anything was done (receive) or
// although it was done (commit).
type serverError struct{ plain }

var _ Kind = serverError{}

func (serverError) Doc() KindDoc {
	return KindDoc{
		Name: "error", Phases: []saga.Phase{saga.Receive, saga.Commit}, Transient: true, InARow: saga.Receive,
		Answers: true,
		Text:    "the participant answers 500: at receive nothing was done, at commit everything was",
	}
}

func (serverError) Validate(Fault) error { return nil }

// Injection is an answer.
func (serverError) Injection(Fault, int) Injection { return Injection{Answer: internalError()} }

// Simpler says it in fewer words: done but not told is a lost answer, not done but
// told is "unavailable".
func (serverError) Simpler(f Fault, p saga.RetryPolicy) []Fault { return toldOrNot(f, p) }

func toldOrNot(f Fault, p saga.RetryPolicy) []Fault {
	if f.At.Phase == saga.Receive {
		return []Fault{instead(f, saga.Receive, p, Answers(http.StatusServiceUnavailable))}
	}
	return []Fault{instead(f, saga.Response, p, Injection.Silent)}
}

func internalError() *Answer {
	return &Answer{Code: http.StatusInternalServerError, Title: "internal error"}
}
