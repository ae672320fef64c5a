package scenarios

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/sagacheck/sagacheck/saga"
)

// Knowledge writes docs/knowledge-base.md, the generated page for those who have to know what
// a flow changes, what undoes it, and when a person has to step in.
func Knowledge(w io.Writer) error {
	var b bytes.Buffer
	b.WriteString(`# What undoes what

<!-- generated from scenarios/catalogue; run: go test ./scenarios -update -->

For engineers and analysts: of each flow of the [catalogue](scenarios.md) what it changes, what exactly undoes
that, what can't be undone, and where a person steps in. How a person does is in [operators.md](operators.md).

## Reversible actions

| what changes | example | what undoes it | exactly |
|---|---|---|---|
| money | ` + "`bank/alice-100EUR bank/bob+100EUR`" + ` | the same amounts, the other way round, once | each account holds what it held before; of a refund in parts all parts together do not exceed it ([` + "`over-credit`" + `](checkers.md#over-credit)) |
| stock | ` + "`shop/stock-1pcs shop/order+1pcs`" + ` | the same pieces back | no piece is left in the order, none is there twice |
| a status | ` + "`orders/order:new→paid`" + ` | back to what it was, if nobody has changed it since | a participant that fences refuses an undo that finds another value ([` + "`lost-update`" + `](checkers.md#lost-update)) |
| a record | ` + "`mail/message:∅→exists`" + ` | it is gone again | what others have read of it meanwhile is not ([` + "`dirty-read`" + `](checkers.md#dirty-read)) |

An undo is the inverse of what the record says was done, under a key of its own, until it is answered well.
Before an action of unknown outcome is undone its time-out is over ([the safety margin](operators.md#the-safety-margin)).
`)
	for _, s := range All() {
		s.knowledge(&b)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// knowledge is the part of the page about one flow.
func (s *Scenario) knowledge(b *bytes.Buffer) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n", s.Name, strings.TrimSpace(s.Description))
	s.mermaid(b)
	b.WriteString("\n| step | changes | of | what undoes it | who steps in |\n|---|---|---|---|---|\n")
	for i := range s.Steps {
		st := &s.Steps[i]
		fmt.Fprintf(b, "| %s | `%s` | %s | %s | %s |\n", st.Name, effect(st.Do, st.Participant, placeholder), natureOf(effect(st.Do, st.Participant, placeholder)), s.undoneBy(st), s.stepsIn(st))
	}
}

// natureOf is what sort of thing an effect changes.
func natureOf(e saga.Effect) string {
	var all []string
	seen := map[string]bool{}
	add := func(word string) {
		if !seen[word] {
			seen[word], all = true, append(all, word)
		}
	}
	for _, p := range e.Postings {
		if p.Unit == strings.ToUpper(p.Unit) {
			add("money")
		} else {
			add("stock")
		}
	}
	for _, w := range e.Writes {
		if w.From == "" || w.To == "" {
			add("a record")
		} else {
			add("a status")
		}
	}
	if len(all) == 0 {
		return "nothing"
	}
	return strings.Join(all, ", ")
}

// undoneBy is what undoes a step, exactly.
func (s *Scenario) undoneBy(st *Step) string {
	by := st.undoText()
	switch st.undoMode() {
	case UndoInverse:
		by = "`" + effect(st.Do, st.Participant, placeholder).Inverse().String() + "`"
	case UndoNone:
		return "nothing: it stays"
	}
	if st.Kind == saga.Pivot {
		by += ", unless it is known to be done: it is the point of no return"
	}
	return by
}

// stepsIn is where a person is needed, by the policies of the scenario.
func (s *Scenario) stepsIn(st *Step) string {
	undo := s.undoPolicy(st)
	switch {
	case st.Kind == saga.Retriable:
		return "a person, if it is refused for good: nothing before it can be undone any more"
	case st.Kind == saga.Deferrable:
		return "nobody has to: it is done later, or skipped by an operator"
	case st.Kind == saga.Pivot && st.undoMode() == UndoNone:
		return "nobody: it is attempted until its outcome is known"
	case st.undoMode() == UndoNone:
		return "nobody"
	case undo.MaxAttempts > 0 || undo.DeadlineMS > 0:
		return "a person, if the undo is refused for good or runs out of attempts"
	}
	return "a person, if the undo is refused for good; one that only fails is tried for ever, and may be ended by hand"
}
