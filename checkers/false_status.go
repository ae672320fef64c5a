package checkers

import (
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// FalseStatus finds status reports that contradict the ledgers at the time of
// the report, and reports that change after the saga has ended.
//
// Source: DTM #453 (reported done, and was not executed), restate #5033 (reports
// active, and never executes); linearizability of the saga's lifecycle (Herlihy &
// Wing 1990). Evidence: saga-status, saga-ended, call-committed, call-answered. A
// participant records an effect before its orchestrator can know it, so an effect
// that is missing in the history when it is reported is missing in the world. It
// cannot see wrong words for steps without an effect. Cost: linear in the events,
// times the steps of a saga for each report.
type FalseStatus struct{}

var _ Checker = FalseStatus{}

// Doc documents the checker.
func (FalseStatus) Doc() Doc {
	return Doc{
		Name:       "false-status",
		Definition: "The reported status contradicts the ledgers, or changes after the saga has ended.",
		Source:     "DTM #453; restate #5033; Herlihy & Wing 1990 for the lifecycle",
		Clauses:    []Clause{{Name: whole, Text: "TODO"}},
		Evidence:   "saga-status, saga-ended, call-committed and call-answered. At risk: reports of an end, and reports that a step succeeded or was compensated.",
		Blind:      "Steps that ask for no effect; a saga that is reported as running or stuck and is not.",
		Cost:       "linear in the events, times the steps of a saga for each report",
	}
}

// Check judges a history.
func (c FalseStatus) Check(_ *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	for _, s := range ix.Sagas {
		if s.Ended != nil {
			t.held(whole, 1)
			checkEnd(t, s)
		}
		told := map[saga.StepStatus]bool{} // each step's lie is told once
		for _, r := range s.Reports {
			if s.Ended != nil && r.Seq > s.Ended.Seq && r.Kind == history.SagaStatus && r.Status != s.Ended.Status {
				t.violate(whole, action(s, ""), []*history.Event{s.Ended, r}, "broke the lifecycle: saga %s had ended %s, and then was reported as %s", s.ID, s.Ended.Status, r.Status)
				break
			}
			for _, st := range r.Steps {
				t.held(whole, checkStep(t, s, r, st, told))
			}
		}
	}
	return t.verdict("no end and no done step was reported")
}

// checkEnd compares the end with the effects that were there when it was reported.
func checkEnd(t *tally, s *history.SagaRecord) {
	for _, step := range s.Definition.Steps {
		switch {
		case s.Ended.Status == saga.Completed && step.Kind != saga.Deferrable:
			if !doneBy(s, step, s.Ended.Seq) {
				t.violate(whole, action(s, step.Name), []*history.Event{s.Ended, first(effects(s.Op(step.Name, saga.Action)))}, "broke the truth of the status: saga %s was reported as completed, and %s had had no effect", s.ID, step.Name)
			}
		case s.Ended.Status == saga.Compensated:
			if did := leftBy(s, step, s.Ended.Seq); did != nil {
				t.violate(whole, action(s, step.Name), []*history.Event{did, s.Ended}, "broke the truth of the status: saga %s was reported as compensated, and the effect of %s was there: %s", s.ID, step.Name, effectOf(did))
			}
		}
	}
}

// checkStep compares what is reported of a step; it returns 1 if that could be
// compared.
func checkStep(t *tally, s *history.SagaRecord, r *history.Event, st saga.StepStatus, told map[saga.StepStatus]bool) int {
	step, ok := s.Definition.Step(st.Name)
	lie := saga.StepStatus{Name: st.Name, Status: st.Status}
	if !ok || told[lie] {
		return 0
	}
	switch st.Status {
	case saga.StepSucceeded:
		if !doneBy(s, step, r.Seq) {
			told[lie] = true
			t.violate(whole, action(s, step.Name), []*history.Event{r}, "broke the truth of the status: %s was reported as succeeded, and had had no effect", action(s, step.Name))
		}
		return 1
	case saga.StepCompensated:
		if did := leftBy(s, step, r.Seq); did != nil {
			told[lie] = true
			t.violate(whole, action(s, step.Name), []*history.Event{did, r}, "broke the truth of the status: %s was reported as compensated, and its effect was there: %s", action(s, step.Name), effectOf(did))
		}
		return 1
	}
	return 0
}

// doneBy tells whether the step had had its effect before an event, or asks for
// none.
func doneBy(s *history.SagaRecord, step saga.Step, seq int) bool {
	did := first(effects(s.Op(step.Name, saga.Action)))
	return did != nil && did.Seq < seq || !hasEffect(&step.Action)
}

// leftBy is an effect of the step's own attempts that had not been undone before
// an event. One that came after the compensation was accepted is a hanging action
// and no lie of the orchestrator.
func leftBy(s *history.SagaRecord, step saga.Step, seq int) *history.Event {
	if !hasEffect(step.Compensation) {
		return nil
	}
	undo := s.Op(step.Name, saga.Compensation)
	if ok := accepted(undo); ok != nil && ok.Seq < seq {
		seq = ok.Seq
	}
	undone := first(effects(undo))
	for _, e := range effects(s.Op(step.Name, saga.Action)) {
		if e.Copy == 0 && e.Seq < seq && (undone == nil || undone.Seq > seq) {
			return e
		}
	}
	return nil
}

func first(es []*history.Event) *history.Event {
	if len(es) == 0 {
		return nil
	}
	return es[0]
}
