package faults

import (
	"net/http"

	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
)

// unavailable is 503: nothing was done, try again.
type unavailable struct{}

var _ onHook = unavailable{}

func (unavailable) Doc() KindDoc {
	return KindDoc{
		Name: "unavailable", Phases: []saga.Phase{saga.Receive}, Transient: true,
		Answers: true,
		Text:    "the participant answers 503, nothing was done",
	}
}

func (unavailable) Validate(Fault) error { return nil }

func (unavailable) hook(Fault, *Injector, int, participants.Call) *participants.Answer {
	return &participants.Answer{Code: http.StatusServiceUnavailable, Title: "unavailable"}
}
