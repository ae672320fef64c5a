package faults

import (
	"net/http"

	"github.com/sagacheck/sagacheck/saga"
)

// corrupt answers a call that was done with a whole answer that says nothing: the page
// of a gateway, with status 200.
type corrupt struct{ plain }

var _ Kind = corrupt{}

func (corrupt) Doc() KindDoc {
	return KindDoc{
		Name: "corrupt", Phases: []saga.Phase{saga.Commit}, Answers: true,
		Text: "everything was done, and the answer is 200 with a page of HTML, as gateways send it: whoever expects JSON has to make do with the status",
	}
}

// Validate accepts all: it has no fields.
func (corrupt) Validate(Fault) error { return nil }

// Effect is an answer.
func (corrupt) Effect(Fault, int) Effect {
	return Effect{Answer: &Answer{Code: http.StatusOK, HTML: "<!doctype html><title>OK</title><h1>{\"It works\"</h1>\n"}}
}

// Simpler is a success with another code.
func (corrupt) Simpler(f Fault, p saga.RetryPolicy) []Fault {
	g := instead(f, KindAnswer, saga.Commit, p)
	g.Code = http.StatusCreated
	return []Fault{g}
}
