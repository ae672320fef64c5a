package faults

import (
	"fmt"
	"net/http"

	"github.com/sagacheck/sagacheck/saga"
)

// reject is a permanent refusal by a rule of the business: 422, nothing was done. A
// participant that remembers keys comes to its rules only with a request that it
// has not answered before, so an operation that was done is not refused any more.
type reject struct{ plain }

var _ Kind = reject{}

func (reject) Doc() KindDoc {
	return KindDoc{
		Name: "reject", Phases: []saga.Phase{saga.Receive},
		Answers: true,
		Follows: "a permanent failure: no further attempt",
		Text:    "a rule of the participant's business refuses for good: 422, nothing was done. Participants that remember keys replay their answer instead where the operation was done before",
	}
}

func (reject) Validate(f Fault) error { return nil }

// Injection is an answer, by a rule.
func (reject) Injection(Fault, int) Injection {
	return Injection{Decides: true, Answer: &Answer{Code: http.StatusUnprocessableEntity, Title: "rejected", Detail: "a business rule says no"}}
}

func rangeError(field string, v, lo, hi int) error {
	return fmt.Errorf("%s: %d: expected %d to %d", field, v, lo, hi)
}
