package faults

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/sagacheck/sagacheck/internal/garble"
	"github.com/sagacheck/sagacheck/saga"
)

// corrupt answers a call that was done with a whole answer that says nothing, or
// something else. What it may prove depends on that.
//
// A page or no body at all, with status 200: what was done is open but for the status, as
// with an answer that was lost. Who takes the status for a success may go on, and who
// does not may ask again, look it up or undo it; but what was done must not stay behind in
// a saga that says that nothing is left of it, and nothing may be done twice.
//
// An error inside, another id, another amount: what the workflow was told is not true, and
// it can't know. That the step is not undone, or not exactly, or by a name that is not
// there, is not held against it, nor what the user's invariants say of such a saga; that
// something is done twice is.
type corrupt struct{ plain }

var _ Kind = corrupt{}

func (corrupt) Doc() KindDoc {
	return KindDoc{
		Name: "corrupt", Phases: []saga.Phase{saga.Commit}, Answers: true, Fields: []string{"as"}, Example: string(garble.Empty),
		Follows: "of a page or an empty body: a success, if the status is enough, or an unknown outcome; of an error inside, another id or another amount: what it likes, as it can't know better, but nothing twice",
		Text:    "everything was done, and a whole answer comes that is not the participant's. as: html (the default) is 200 with a page, as gateways send it: whoever expects JSON has to make do with the status; empty is 200 without a body; error-inside is 200 with an object that tells of an error; where the participant only took the call, and tells later, these have its own code, as 202; id and amount are the participant's own answer with another id, or an amount that is one higher: they need a service of your own workflow whose answer has the id, or the amount, in it",
	}
}

// corruptions are the values of as; the first is the default.
var corruptions = []garble.How{garble.Page, garble.Empty, garble.ErrorInside, garble.OtherID, garble.OtherAmount}

func (corrupt) Validate(f Fault) error { return garbledAs(f, corruptions) }

func garbledAs(f Fault, known []garble.How) error {
	if f.As != "" && !slices.Contains(known, garble.How(f.As)) {
		return fmt.Errorf("as: %q: expected one of %v", f.As, known)
	}
	return nil
}

// Injection is an answer.
func (corrupt) Injection(f Fault, _ int) Injection { return garbled(f, corruptions) }

// garbled is the injection of a kind that gives another answer than the participant's, in one
// of the ways that it knows: the first, where the plan does not say.
func garbled(f Fault, known []garble.How) Injection {
	how := garble.How(f.As)
	if how == "" {
		how = known[0]
	}
	if !slices.Contains(known, how) {
		return Injection{}
	}
	return Injection{Answer: &Answer{Code: http.StatusOK, Garble: how}}
}

// Simpler is the page, or a success with another code.
func (corrupt) Simpler(f Fault, p saga.RetryPolicy) []Fault {
	var all []Fault
	if f.As != "" {
		all = append(all, instead(f, saga.Commit, p, Garbles(garble.Page)))
	}
	created := Fault{Saga: f.Saga, At: f.At, Code: http.StatusCreated}
	return append(all, Doing(created, Answers(http.StatusCreated)))
}

// Garbled are the faults that garble the answer at a point so.
func Garbled(at saga.FailurePoint, n int, hows []garble.How) []Fault {
	var fs []Fault
	for _, how := range hows {
		fs = append(fs, Doing(Fault{Saga: n, At: at, As: string(how)}, Garbles(how)))
	}
	return fs
}
