package checkers

import (
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// WrongReference finds compensations that name an effect which does not exist, or
// which belongs to another saga or another step.
//
// Source: the pairing of a refund with its payment by an id that only an answer
// carried (booking-microservices #39). Evidence: call-answered, call-committed. A
// compensation that names nothing while nothing of its step stands is the null
// compensation, and right. It cannot see a name that is wrong and exists nowhere in
// the cell's own services. Cost: linear.
type WrongReference struct{}

var _ Checker = WrongReference{}

// Doc documents the checker.
func (WrongReference) Doc() Doc {
	return Doc{
		Name:       "wrong-reference",
		Definition: "A compensation named an effect that does not exist, or that belongs to another saga or another step.",
		Source:     "booking-microservices #39",
		Clauses: []Clause{
			{Name: "names-its-own", Text: "the effect that a compensation names is one of its saga and of the step that it undoes"},
			{Name: "names-something", Text: "a compensation whose step's effect stands names an effect that is there"},
		},
		Evidence:  "call-answered and call-committed",
		Prevented: "Storing the id that an answer gave in the commit of that answer, and naming it in the undo.",
		Blind:     "Services whose compensations name no effect (no which in the workflow's file).",
		Cost:      "linear",
		Wants:     []Trait{compensations},
		Own:       true,
	}
}

// Check judges a history.
func (c WrongReference) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	owner := names(h)
	for _, s := range ix.Sagas {
		for _, e := range s.Calls {
			if e.Direction != saga.Compensation {
				continue
			}
			switch {
			case e.Kind == history.CallCommitted && e.Of != "":
				of := owner[nameOf(e, e.Of)]
				if of != nil && of.Saga == s.ID && of.Step == e.Step {
					t.held("names-its-own", 1)
					t.held("names-something", 1)
					continue
				}
				t.violate("names-its-own", e.Operation(), []*history.Event{of, e}, "broke exact compensation: %s undid %s, which is %s", e.Operation(), e.Of, whoseEffect(of))
			case e.Kind == history.CallAnswered && e.Detail == history.NamesNothing:
				switch left := standingAt(s, e); {
				case left == nil:
				case s.Op(e.Step, saga.Action).Misled():
					t.unjudgeable("names-something", misled)
				default:
					t.violate("names-something", e.Operation(), []*history.Event{left, e}, "broke exact compensation: %s named an effect that is not there, and %s stands", e.Operation(), left.Ref)
				}
			}
		}
	}
	return t.verdict("no compensation named an effect")
}

func whoseEffect(e *history.Event) string {
	if e == nil {
		return "the effect of no saga of the cell"
	}
	return "that of " + e.Operation().String()
}

// standingAt is the first effect of the step that was there when a compensation was
// answered, and was not undone before.
func standingAt(s *history.SagaRecord, at *history.Event) *history.Event {
	if step, _ := s.Definition.Step(at.Step); inParts(step) {
		return first(standingParts(s, step, at.Seq))
	}
	back := map[effectName]bool{}
	for _, e := range s.Calls {
		if e.Kind == history.CallCommitted && e.Of != "" && e.Seq < at.Seq {
			back[nameOf(e, e.Of)] = true
		}
	}
	for _, e := range effects(s.Op(at.Step, saga.Action)) {
		if e.Seq < at.Seq && !back[nameOf(e, e.Ref)] {
			return e
		}
	}
	return nil
}
