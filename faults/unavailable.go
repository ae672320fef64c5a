package faults

import (
	"net/http"

	"github.com/sagacheck/sagacheck/saga"
)

// unavailable is 503: nothing was done, try again.
type unavailable struct{ plain }

var _ Kind = unavailable{}

func (unavailable) Doc() KindDoc {
	return KindDoc{
		Name: "unavailable", Phases: []saga.Phase{saga.Receive}, Transient: true, InARow: saga.Receive,
		Answers: true,
		Text:    "the participant answers 503, nothing was done",
	}
}

func (unavailable) Validate(Fault) error { return nil }

// Injection is an answer.
func (unavailable) Injection(Fault, int) Injection {
	return Injection{Answer: &Answer{Code: http.StatusServiceUnavailable, Title: "unavailable"}}
}
