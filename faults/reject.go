package faults

import (
	"fmt"
	"net/http"

	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
)

// reject is a permanent refusal: 422, nothing was done.
type reject struct{}

var _ onHook = reject{}

func (reject) Doc() KindDoc {
	return KindDoc{
		Name: "reject", Phases: []saga.Phase{saga.Receive},
		Text: "the participant refuses for good: 422, nothing was done",
	}
}

func (reject) Validate(f Fault) error { return nil }

func (reject) hook(Fault, *Injector, int, participants.Call) *participants.Answer {
	return &participants.Answer{Code: http.StatusUnprocessableEntity, Title: "rejected", Detail: "a business rule says no"}
}

func rangeError(field string, v, lo, hi int) error {
	return fmt.Errorf("%s: %d: expected %d to %d", field, v, lo, hi)
}
