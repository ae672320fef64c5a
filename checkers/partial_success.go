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
		Clauses: []Clause{
			{Name: "calm", Text: "a saga to which nothing happened ends with the effect of every step that is not deferrable, or with none"},
			{Name: "completed", Text: "a saga that completed though faults struck has the effect of every such step"},
			{Name: "compensated", Text: "a saga that was compensated has no effect left of any step that can be undone, nor of a pivot or a step after it", Wants: []Trait{compensations}},
			{Name: "completed-after-crash", Text: "the same of a saga that completed though the orchestrator was killed while it was under way", Does: []string{history.Kill}},
			{Name: "compensated-after-crash", Text: "the same of a saga that was compensated though the orchestrator was killed while it was under way", Does: []string{history.Kill}, Wants: []Trait{compensations}},
		},
		Evidence:  "call-committed and saga-ended. Each step that asks for an effect is an opportunity",
		Prevented: "Going on with, or undoing, all steps after a restart before an end is reported.",
		Blind:     "Steps that ask for no effect; optional steps of a user's own workflow that were refused or undone; in compensated sagas also compensatable and deferrable steps without a compensation.",
		Cost:      "linear",
	}
}

// Check judges a history.
func (c PartialSuccess) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	ds := disturbances(h, ix)
	for _, s := range ix.Sagas {
		if s.Ended == nil {
			continue
		}
		clause := string(s.Ended.Status)
		switch {
		case crashed(ds, s):
			clause += "-after-crash"
		case !faultFired(ix) && len(s.Operator) == 0:
			clause = "calm"
		}
		for _, step := range s.Definition.Steps {
			judgeStep(t, h, clause, s, step)
		}
	}
	return t.verdict("no saga with an effect ended")
}

// judgeStep compares a step of an ended saga with all-or-nothing.
func judgeStep(t *tally, h *history.History, clause string, s *history.SagaRecord, step saga.Step) {
	did, undid := effects(s.Op(step.Name, saga.Action)), undoEffects(s, step.Name)
	left := len(did) - len(undid)
	if inParts(step) {
		left = len(standing(s, step.Name))
	}
	events := append([]*history.Event{s.Ended}, append(did, undid...)...)
	completed := s.Ended.Status == saga.Completed
	unsureDo := unsure(h, s.Op(step.Name, saga.Action))
	switch {
	case completed && (mayBeMissing(step) || !hasEffect(&step.Action)):
	case !completed && !mustBeUndone(step):
	case !completed && left > 0 && s.Op(step.Name, saga.Action).Misled():
		t.unjudgeable(clause, misled)
	case completed && left < 1 && unsureDo == own5xx, !completed && left > 0 && unsureUndo(h, s, step.Name) == own5xx:
		t.unjudgeable(clause, own5xx)
	case !completed && left < 1 && unsureDo != "":
		t.unjudgeable(clause, "%s", unsureDo)
	case completed && left < 1:
		t.violate(clause, action(s, step.Name), events, "broke all-or-nothing: saga %s ended completed without the effect of %s", s.ID, step.Name)
	case !completed && left > 0:
		t.violate(clause, action(s, step.Name), events, "broke all-or-nothing: saga %s ended compensated, but the effect of %s is left: %s", s.ID, step.Name, effectOf(did[0]))
	default:
		t.held(clause, 1)
	}
}

// mayBeMissing: a completed saga need not have the effect of the step.
func mayBeMissing(step saga.Step) bool { return step.Kind == saga.Deferrable || step.Waived }

// mustBeUndone: after a compensated end nothing of the step may be left. A step
// without a compensation has nothing to undo, unless it lies at or behind the
// point of no return: then the saga must not end compensated at all.
func mustBeUndone(step saga.Step) bool {
	return undoAsks(step) ||
		step.Compensation == nil && (step.Kind == saga.Pivot || step.Kind == saga.Retriable)
}
