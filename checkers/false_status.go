package checkers

import (
	"fmt"
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/words"
	"github.com/sagacheck/sagacheck/saga"
)

// FalseStatus finds status reports that contradict the ledgers at the time of
// the report, or say what nobody can know then, and reports that change after the saga
// has ended.
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
		Definition: "The reported status contradicts the ledgers, says what nobody can know yet, or changes after the saga has ended.",
		Source:     "DTM #453; restate #5033; Herlihy & Wing 1990 for the lifecycle",
		Clauses: []Clause{
			{Name: "completed", Text: "when completed is reported, every step that is not deferrable has had its effect, and none of them is reported as pending or failed"},
			{Name: "compensated", Text: "when compensated is reported, no effect of a step that can be undone is there", Wants: []Trait{compensations}},
			{Name: "step-succeeded", Text: "a step that is reported as succeeded has had its effect", Needs: []string{"step-status"}},
			{Name: "step-compensated", Text: "the effect of a step that is reported as compensated is gone", Needs: []string{"step-status"}, Wants: []Trait{compensations}},
			{Name: heard, Text: "completed is reported only after the service of each step that is not deferrable, where it answers that it took the call and tells later, has told what became of it, by a call of its own or when it was asked", Wants: []Trait{toldLater}},
			{Name: heardUndo, Text: "compensated only after the same is known of each undo, or what it undoes may have been seen to be gone", Wants: []Trait{undoToldLater}},
			{Name: "final", Text: "an end that was reported is the same whenever it is asked for afterwards"},
			{Name: "rests", Text: "once an end was reported the saga calls nobody any more, but for its deferrable steps; a saga that begins again under the id of one that ended does"},
			{Name: "words", Text: "a report says one of the contract's words of the saga, and of steps that the saga has; of one that stands for a step that succeeded, that it is pending; that it is stuck only if what has to succeed was refused for good or has used up its attempts, or it rests until an operator asks for something; at the end, no fewer attempts of a step than were answered, if it says how many, and never more than were sent"},
		},
		Evidence:  "saga-status, saga-ended, call-committed and call-answered; call-read and call-back for what is known",
		Prevented: "Deriving the status from what is stored of the steps, and storing an end in the commit of the last answer.",
		Blind:     "Steps that ask for no effect; more attempts than were sent where connections were refused, where the orchestrator was killed, paused or without its store, or where the machine was so late that attempts may have timed out before they reached the wire, or one may have waited as long as a time-out for a connection, and one more of a step that is not over, or has a deadline, or of whose saga an operator asked for something, or another step turned it while this one was attempted; a saga that is reported as running and is not; one of a user's own workflow, or with rounds, that is reported as stuck and goes on.",
		Cost:      "linear in the events, times the steps of a saga for each report",
		Said:      true,
	}
}

// Check judges a history.
func (c FalseStatus) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	ds := disturbances(h, ix)
	for _, s := range ix.Sagas {
		if s.Ended != nil {
			checkEnd(t, h, s)
			checkHeard(t, s)
			checkFinal(t, s)
			checkRest(t, ds, s)
		}
		if whole := ix.Saga(s.ID); hasFallback(whole.Definition) && !isGivenUp(s) {
			checkUnbegun(t, ds, whole)
		}
		if !isGivenUp(s) {
			checkStuck(t, ix, ds, ix.Saga(s.ID))
		}
		told := map[saga.StepStatus]bool{} // each step's lie is told once
		for _, r := range s.Reports {
			if r.Kind != history.SagaStatus {
				continue
			}
			if why := wrongWord(s, r); why != "" {
				t.violate("words", action(s, ""), []*history.Event{r}, "broke the status report: %s", why)
			} else {
				t.held("words", 1)
			}
			for _, st := range r.Steps {
				checkStep(t, s, r, st, told)
			}
			checkLast(t, ds, s, r, told)
			checkMost(t, ix, ds, s, r, told)
		}
	}
	return t.verdict("nothing was reported")
}

// wrongWord says what a report says that the contract does not know; empty: nothing.
func wrongWord(s *history.SagaRecord, r *history.Event) string {
	if r.Status == saga.EndedByHand && !mayHaveActed(s, saga.ActEnd) {
		return fmt.Sprintf("saga %s was reported as %q, and no operator had ended it", s.ID, r.Status)
	}
	if !r.Status.Valid() {
		return fmt.Sprintf("saga %s was reported as %q: expected running, compensating, completed, compensated, stuck or ended-by-hand", s.ID, r.Status)
	}
	for _, st := range r.Steps {
		switch {
		case s.Definition.StepIndex(st.Name) < 0 && s.Definition.Round > 1:
			return fmt.Sprintf("the report on saga %s names a step %q in its round %d: expected %q", s.ID, st.Name, s.Definition.Round, saga.InRound(st.Name, s.Definition.Round))
		case s.Definition.StepIndex(st.Name) < 0:
			return fmt.Sprintf("the report on saga %s names a step %q, which it does not have", s.ID, st.Name)
		case !st.Status.Valid():
			return fmt.Sprintf("%s was reported as %q: expected pending, running, succeeded, failed, deferred, compensating or compensated", action(s, st.Name), st.Status)
		}
	}
	return ""
}

// checkEnd compares the end with the effects that were there when it was reported.
func checkEnd(t *tally, h *history.History, s *history.SagaRecord) {
	clause := string(s.Ended.Status)
	for _, step := range s.Definition.Steps {
		did := leftBy(s, step, s.Ended.Seq)
		switch completed := s.Ended.Status == saga.Completed; {
		case completed && (mayBeMissing(step) || !hasEffect(&step.Action)):
		case !completed && !undoAsks(step):
		case completed && !doneBy(s, step, s.Ended.Seq) && unsure(h, s.Op(step.Name, saga.Action)) == own5xx,
			!completed && did != nil && unsureUndo(h, s, step.Name) == own5xx:
			t.unjudgeable(clause, own5xx)
		case completed && !doneBy(s, step, s.Ended.Seq):
			t.violate(clause, action(s, step.Name), []*history.Event{s.Ended, first(effects(s.Op(step.Name, saga.Action)))}, "broke the truth of the status: saga %s was reported as completed, and %s had had no effect", s.ID, step.Name)
		case !completed && did != nil && s.Op(step.Name, saga.Action).Misled():
			t.unjudgeable(clause, misled)
		case !completed && did != nil:
			t.violate(clause, action(s, step.Name), []*history.Event{did, s.Ended}, "broke the truth of the status: saga %s was reported as compensated, and the effect of %s was there: %s", s.ID, step.Name, effectOf(did))
		default:
			t.held(clause, 1)
		}
	}
}

// checkFinal compares the end with what was reported after it.
func checkFinal(t *tally, s *history.SagaRecord) {
	later := slices.Concat(s.Ends[1:], s.Reports)
	slices.SortStableFunc(later, func(a, b *history.Event) int { return a.Seq - b.Seq })
	asked := false
	for _, r := range later {
		switch {
		case r.Seq < s.Ended.Seq || r.Kind == history.SagaUnknown:
		case r.Status != s.Ended.Status:
			t.violate("final", action(s, ""), []*history.Event{s.Ended, r}, "broke the lifecycle: saga %s had ended %s, and then was reported as %s", s.ID, s.Ended.Status, r.Status)
			return
		default:
			asked = true
		}
	}
	if asked {
		t.held("final", 1)
	}
}

// checkRest looks for calls after the end. One that came in flight is older than its
// end; one after a kill may repeat what was lost in it.
func checkRest(t *tally, ds []disturbance, s *history.SagaRecord) {
	for _, e := range s.Calls {
		step, _ := s.Definition.Step(e.Step)
		switch {
		case e.Kind != history.CallSent || e.Seq < s.Ended.Seq || step.Kind == saga.Deferrable && e.Direction == saga.Action:
		case disturbed(ds, s.Ended.Seq, e.Seq):
			t.unjudgeable("rests", "the orchestrator was killed, paused or without its store")
			return
		case notedLate(e, s.Ended.At):
			t.unjudgeable("rests", tooLateToSay)
			return
		default:
			t.violate("rests", e.Operation(), []*history.Event{s.Ended, e}, "broke the lifecycle: saga %s had ended %s, and then %s was called", s.ID, s.Ended.Status, e.Operation())
			return
		}
	}
	t.held("rests", 1)
}

// checkStep compares what is reported of a step with its effects.
func checkStep(t *tally, s *history.SagaRecord, r *history.Event, st saga.StepStatus, told map[saga.StepStatus]bool) {
	step, ok := s.Definition.Step(st.Name)
	lie := saga.StepStatus{Name: st.Name, Status: st.Status}
	if !ok || told[lie] {
		return
	}
	switch {
	case st.Status == saga.StepSucceeded && !doneBy(s, step, r.Seq):
		told[lie] = true
		t.violate("step-succeeded", action(s, step.Name), []*history.Event{r}, "broke the truth of the status: %s was reported as succeeded, and had had no effect", action(s, step.Name))
	case st.Status == saga.StepSucceeded && hasEffect(&step.Action):
		t.held("step-succeeded", 1)
	case st.Status != saga.StepCompensated || !undoAsks(step):
	default:
		did := leftBy(s, step, r.Seq)
		if did == nil {
			t.held("step-compensated", 1)
			return
		}
		told[lie] = true
		t.violate("step-compensated", action(s, step.Name), []*history.Event{did, r}, "broke the truth of the status: %s was reported as compensated, and its effect was there: %s", action(s, step.Name), effectOf(did))
	}
}

// checkUnbegun looks for reports that say of a step that stands for another one, and was never
// attempted, that it succeeded; or anything but that it is pending, though the other succeeded. A kill
// may cost the success of that.
func checkUnbegun(t *tally, ds []disturbance, s *history.SagaRecord) {
	told := map[string]bool{}
	for _, r := range s.Reports {
		for _, st := range r.Steps {
			step, _ := s.Definition.Step(st.Name)
			if step.FallbackFor == "" || told[st.Name] || firstSent(s.Op(st.Name, saga.Action)) != nil {
				continue
			}
			spared := len(ds) == 0 && s.Op(step.FallbackFor, saga.Action).Learnt(saga.Done) != nil
			if st.Status == saga.StepSucceeded || spared && st.Status != saga.StepPending {
				told[st.Name] = true
				t.violate("words", action(s, st.Name), []*history.Event{r}, "broke the status report: %s stands for %s, was never attempted, and is reported as %s", action(s, st.Name), step.FallbackFor, st.Status)
			}
		}
	}
}

// checkLast compares what a report after the end says of steps with what it says of
// the saga, and with the attempts that were answered. A kill may cost the count of an
// attempt.
func checkLast(t *tally, ds []disturbance, s *history.SagaRecord, r *history.Event, told map[saga.StepStatus]bool) {
	if s.Ended == nil || r.Seq < s.Ended.Seq || r.Status != s.Ended.Status {
		return
	}
	for _, st := range r.Steps {
		step, ok := s.Definition.Step(st.Name)
		if !ok || told[st] {
			continue
		}
		if es := answers(s.Op(st.Name, saga.Action), s.Ended.Seq); st.Attempts > 0 && st.Attempts < len(es) && len(ds) == 0 {
			told[st] = true
			t.violate("words", action(s, st.Name), append(es, r), "broke the status report: %s was answered %d times before saga %s had ended, and the report says %s", action(s, st.Name), len(es), s.ID, words.Plural(st.Attempts, "attempt"))
		}
		if r.Status == saga.Completed && step.Kind != saga.Deferrable && (st.Status == saga.StepPending || st.Status == saga.StepFailed) {
			told[st] = true
			t.violate("completed", action(s, st.Name), []*history.Event{s.Ended, r}, "broke the truth of the status: saga %s was reported as completed, and its step %s as %s", s.ID, st.Name, st.Status)
		}
	}
}

// answers are the ends of the attempts whose answer had arrived before an event.
func answers(o *history.OpRecord, seq int) (es []*history.Event) {
	if o == nil {
		return nil
	}
	for _, a := range sent(o) {
		if a.Ended != nil && a.Ended.Code != 0 && a.Ended.Seq < seq {
			es = append(es, a.Ended)
		}
	}
	return es
}

// doneBy tells whether the step had had its effect before an event, or asks for
// none.
func doneBy(s *history.SagaRecord, step saga.Step, seq int) bool {
	did := first(effects(s.Op(step.Name, saga.Action)))
	return did != nil && did.Seq < seq || !hasEffect(&step.Action)
}

// leftBy is an effect of the step that had not been undone before an event. One that
// came after the compensation was accepted is a hanging action and no lie of the
// orchestrator, nor is one that only a copy of the network had, of an action that
// was never answered as done.
func leftBy(s *history.SagaRecord, step saga.Step, seq int) *history.Event {
	if !undoAsks(step) {
		return nil
	}
	if inParts(step) {
		return first(standingParts(s, step, seq))
	}
	undo := s.Op(step.Name, saga.Compensation)
	if ok := accepted(undo); ok != nil && ok.Seq < seq {
		seq = ok.Seq
	}
	undone := first(effects(undo))
	act := s.Op(step.Name, saga.Action)
	told := acknowledged(act)
	for _, e := range effects(act) {
		if (e.Copy == 0 || told != nil && told.Seq < seq && !cutShort(told)) && e.Seq < seq && (undone == nil || undone.Seq > seq) {
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
