package faults

import (
	"github.com/sagacheck/sagacheck/internal/garble"
	"github.com/sagacheck/sagacheck/saga"
)

// wrongType answers a call that was done with the participant's own answer in which a
// value has another type. As with corrupt's other ids: whoever reads a number where the id
// was can't know the id, so nothing that follows from a wrong id is held against it.
type wrongType struct{ plain }

var _ Kind = wrongType{}

func (wrongType) Doc() KindDoc {
	return KindDoc{
		Name: "wrong-type", Phases: []saga.Phase{saga.Commit}, Answers: true, Own: true, Fields: []string{"as"}, Example: string(garble.Text),
		Follows: "what it likes, as it can't know better: an unknown outcome, or a success; but nothing twice",
		Text:    "everything was done, and in the participant's own answer a value has another type. as: number (the default) is a number in the place of the id; text is a text in the place of each object and list in the answer, or of the whole answer if there is none in it. It needs a service of your own workflow",
	}
}

// wrongTypes are the values of as; the first is the default.
var wrongTypes = []garble.How{garble.Number, garble.Text}

func (wrongType) Validate(f Fault) error { return garbledAs(f, wrongTypes) }

// Injection is an answer.
func (wrongType) Injection(f Fault, _ int) Injection { return garbled(f, wrongTypes) }

// Simpler is an answer that says nothing.
func (wrongType) Simpler(f Fault, p saga.RetryPolicy) []Fault {
	return []Fault{instead(f, saga.Commit, p, Garbles(garble.Page))}
}
