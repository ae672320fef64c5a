package checkers

import (
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// governedPairs: see saga.Definition.GovernedPair.
var governedPairs = Trait{"two compensatable steps in order, the second with 4 attempts or more, of sagas that share no register", func(ds []saga.Definition) bool {
	pair := anyDefinition(func(d saga.Definition) bool { _, _, ok := d.GovernedPair(); return ok })
	return pair(ds) && !shareRegister(ds)
}}

// asked is when a change of what governs an orchestrator was asked for: when its fault
// fired. The change itself is when it was answered.
func asked(ix *history.Index, change *history.Event) int {
	if change.Fault == nil {
		return change.Seq
	}
	return began(ix, *change.Fault, change)
}

// policiesChanged tells whether policies were changed, or were about to be, before an event.
func policiesChanged(ix *history.Index, before int) bool {
	return slices.ContainsFunc(ix.Changes, func(c *history.Event) bool {
		return c.Kind == history.PoliciesChanged && asked(ix, c) <= before
	})
}

// learntFrom is the last event before which nobody can have learnt what came of an attempt:
// its answer, or, of one that was not answered, that it was sent.
func learntFrom(a *history.Attempt) *history.Event {
	for _, e := range a.Answered {
		if e.Copy == 0 {
			return e
		}
	}
	return a.Sent
}

// causedAfter tells whether the orchestrator surely decided an attempt of an operation later
// than an event: what it had to wait for came later. That the wire noted it later is not
// enough: it may have been on its way.
func causedAfter(s *history.SagaRecord, o *history.OpRecord, a *history.Attempt, event *history.Event) bool {
	as := sent(o)
	if i := slices.Index(as, a); i > 0 {
		return learntFrom(as[i-1]).Seq > event.Seq
	}
	i := s.Definition.StepIndex(o.Op.Step)
	if o.Op.Direction == saga.Action {
		if free := freed(s, o.Op.Step); free != nil && free.Seq > event.Seq && free.Seq < a.Sent.Seq {
			return true
		}
		return slices.ContainsFunc(s.Definition.Predecessors(i), func(name string) bool {
			done := acknowledged(s.Op(name, saga.Action))
			return done != nil && done.Seq > event.Seq && done.Seq < a.Sent.Seq
		})
	}
	for _, step := range s.Definition.Steps { // what is undone before it
		undone := acknowledged(s.Op(step.Name, saga.Compensation))
		if undone != nil && undone.Seq > event.Seq && undone.Seq < a.Sent.Seq && slices.Contains(s.Definition.Ancestors(step.Name), o.Op.Step) {
			return true
		}
	}
	return turnedAfter(s, a, event)
}

// turnedAfter tells whether all that can have made a saga turn before an attempt of a
// compensation came after an event.
func turnedAfter(s *history.SagaRecord, undo *history.Attempt, event *history.Event) bool {
	some := false
	for _, e := range s.Operator {
		if e.Seq < undo.Sent.Seq {
			return false // nobody knows when it was decided
		}
	}
	for _, o := range opsOf(s) {
		if o.Op.Direction != saga.Action {
			continue
		}
		for _, a := range sent(o) {
			from := learntFrom(a)
			if from.Seq > undo.Sent.Seq || a.Learnt() == saga.Done {
				continue
			}
			if last := slices.Index(sent(o), a) == len(sent(o))-1; !last && a.Learnt() == saga.Transient {
				continue // it was attempted again
			}
			if from.Seq < event.Seq {
				return false
			}
			some = true
		}
	}
	return some
}
