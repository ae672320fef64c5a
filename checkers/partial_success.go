package checkers

import (
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// PartialSuccess finds sagas that ended neither all-done nor all-undone:
// completed without the effect of a step that is not deferrable, or compensated
// with effects left.
//
// Source: DTM #272 (failed, never compensated); Garcia-Molina & Salem 1987.
// Evidence: call-committed, saga-ended. A step whose action asks for no effect
// can't be judged, nor can a compensatable or deferrable step without a
// compensation in a saga that ended compensated. Cost: linear.
type PartialSuccess struct{}

var _ Checker = PartialSuccess{}

// Doc documents the checker.
func (PartialSuccess) Doc() Doc {
	return Doc{
		Name:       "partial-success",
		Definition: "The saga ended completed without the effect of every step that is not deferrable, or compensated with effects left.",
		Source:     "Garcia-Molina & Salem, Sagas, SIGMOD 1987; DTM #272",
		Clauses:    []Clause{{Name: whole, Text: "TODO"}},
		Evidence:   "call-committed and saga-ended. At risk: sagas that ended, in a history in which a fault fired.",
		Blind:      "Steps that ask for no effect; in compensated sagas also compensatable and deferrable steps without a compensation.",
		Cost:       "linear",
	}
}

// Check judges a history.
func (c PartialSuccess) Check(_ *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	for _, s := range ix.Sagas {
		if s.Ended == nil {
			continue
		}
		if faultFired(ix) {
			t.held(whole, 1)
		}
		for _, step := range s.Definition.Steps {
			did, undid := effects(s.Op(step.Name, saga.Action)), effects(s.Op(step.Name, saga.Compensation))
			left := len(did) - len(undid)
			events := append([]*history.Event{s.Ended}, append(did, undid...)...)
			switch {
			case s.Ended.Status == saga.Completed && step.Kind != saga.Deferrable && left < 1 && hasEffect(&step.Action):
				t.violate(whole, action(s, step.Name), events, "broke all-or-nothing: saga %s ended completed without the effect of %s", s.ID, step.Name)
			case s.Ended.Status == saga.Compensated && left > 0 && mustBeUndone(step):
				t.violate(whole, action(s, step.Name), events, "broke all-or-nothing: saga %s ended compensated, but the effect of %s is left: %s", s.ID, step.Name, effectOf(did[0]))
			}
		}
	}
	return t.verdict("no saga ended in a history in which a fault fired")
}

// mustBeUndone: after a compensated end nothing of the step may be left. A step
// without a compensation has nothing to undo, unless it lies at or behind the
// point of no return: then the saga must not end compensated at all.
func mustBeUndone(step saga.Step) bool {
	return hasEffect(step.Compensation) ||
		step.Compensation == nil && (step.Kind == saga.Pivot || step.Kind == saga.Retriable)
}
