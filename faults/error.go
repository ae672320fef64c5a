package faults

import (
	"net/http"

	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
)

// failure is the kind "error": 500, before anything was done (receive) or
// although it was done (commit).
type failure struct{}

var _ onHook = failure{}

func (failure) Doc() KindDoc {
	return KindDoc{
		Name: "error", Phases: []saga.Phase{saga.Receive, saga.Commit}, Transient: true,
		Answers: true,
		Text:    "the participant answers 500: at receive nothing was done, at commit everything was",
	}
}

func (failure) Validate(Fault) error { return nil }

func (failure) hook(Fault, *Injector, int, participants.Call) *participants.Answer {
	return &participants.Answer{Code: http.StatusInternalServerError, Title: "internal error"}
}
