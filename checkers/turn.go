package checkers

import (
	"net/http"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// The reasons why something can't be judged that several checkers share.
const (
	notCertain    = "the outcome of a step is not certain"
	turnUnseen    = "it may have turned before the attempt that succeeded, which then only asked what was done"
	unseen        = "an attempt may have failed before it reached the wire"
	killMayCost   = "a kill may have cost the last attempt"
	wasDisturbed  = "the orchestrator was killed, paused or without its store"
	otherPolicies = "the policies were changed"
	tooLateToSay  = "the machine was too late"
)

// coreState is what the wire shows of the steps that a saga can't do without.
type coreState int

const (
	coreDone   coreState = iota // all that were attempted surely succeeded, and none can have failed unseen
	coreFailed                  // there may be a good reason to go back
	coreUnsure                  // it can't be told
)

// core tells what the orchestrator knew, when an event happened, of the steps that
// the saga can't do without, and why that can't be told. If they are done, nothing
// but an operator can be a reason to go back.
func core(ix *history.Index, s *history.SagaRecord, ds []disturbance, before *history.Event) (state coreState, why string) {
	return coreBeside(ix, s, ds, before, "")
}

// coreBeside is core of all steps but one.
func coreBeside(ix *history.Index, s *history.SagaRecord, ds []disturbance, before *history.Event, but string) (state coreState, why string) {
	h := ix.History
	if mayHaveBeenAsked(s) || budgetMayBeSpent(h, ix, s, ds, before) {
		return coreFailed, ""
	}
	for _, step := range s.Definition.Steps {
		if !critical(h, step) || step.Name == but {
			continue
		}
		switch st, reason := stepState(h, s, step, ds, before); {
		case st == coreFailed:
			return st, ""
		case st == coreUnsure:
			state, why = st, reason
		}
	}
	return state, why
}

func stepState(h *history.History, s *history.SagaRecord, step saga.Step, ds []disturbance, before *history.Event) (coreState, string) {
	op := action(s, step.Name)
	o := s.Op(step.Name, saga.Action)
	switch {
	case mayHaveLearnt(o, saga.Permanent):
		return coreFailed, ""
	case o != nil && usedUp(h, o):
		return coreFailed, ""
	case mayBeUsedUp(step.Action, o, ds, before):
		return coreUnsure, killMayCost
	case o == nil && step.Action.Breaker != nil: // an open breaker fails it silently
		return coreUnsure, unseen
	case o == nil && (firstMayHide(s, step, last(s.Reports)) || h.MayBeRefused(op)):
		return coreUnsure, unseen
	case o != nil && !surelyBefore(o, before):
		return coreUnsure, notCertain
	case o != nil && h.Header.Workflow != "" && mayHaveTurnedBefore(s, o, before):
		return coreUnsure, turnUnseen
	}
	return coreDone, ""
}

// mayHaveTurnedBefore tells whether a workflow whose attempts at an operation had failed may have turned for that before
// the one that succeeded: it may have asked once more only to learn what it has to undo. After it nothing further was
// begun, nor did the saga say that it was still running.
func mayHaveTurnedBefore(s *history.SagaRecord, o *history.OpRecord, back *history.Event) bool {
	done := o.Learnt(saga.Done)
	if as := sent(o); as[0] == done {
		return false
	}
	for ref := range s.Ops {
		if first := firstSent(s.Ops[ref]); ref.Direction == saga.Action && first != nil && first.At > done.LearntAt() && first.Seq < back.Seq {
			return false
		}
	}
	for i := 1; i < len(s.Reports); i++ {
		if s.Reports[i-1].Status == saga.Running && s.Reports[i].Still > done.LearntAt() {
			return false
		}
	}
	return true
}

// mayBeUsedUp tells whether kills, each of which may cost an attempt that was meant
// and never left, can have used up the attempts of an operation.
func mayBeUsedUp(c saga.Call, o *history.OpRecord, ds []disturbance, before *history.Event) bool {
	n := kills(ds, 0, before.Seq)
	if n == 0 || c.Retry.Most() == 0 && c.Retry.DeadlineMS == 0 {
		return false
	}
	if o != nil {
		n += len(sent(o))
	}
	return c.Retry.DeadlineMS > 0 || n >= c.Retry.Most()
}

// mayHaveBeenAsked tells whether an operator may have made the saga turn: what was
// refused did not. A request is noted when it is answered, so that what it leads to
// may come before it.
func mayHaveBeenAsked(s *history.SagaRecord) bool {
	return slices.ContainsFunc(s.Operator, func(o *history.Event) bool {
		return o.Code != http.StatusConflict && saga.Classify(o.Code) != saga.Permanent
	})
}

// turn is the moment from which on a saga surely is on its way back.
type turn struct {
	event  *history.Event // that told the orchestrator
	at     time.Duration
	why    string
	clause string
}

// turnOf is the first event from which the orchestrator surely learnt that the saga
// has to turn: a critical action was refused for good, its attempts are used up, or
// an operator's request was accepted. Nil: there is none, or the pivot may have
// succeeded or be under way, so that there is no way back. A step for which another one
// stands turns none, nor does one that is optional, or one that was found to be done all the same.
func turnOf(ix *history.Index, s *history.SagaRecord, ds []disturbance) *turn {
	h, ways := ix.History, ix.Saga(s.ID).Definition.Fallbacks()
	var first *turn
	note := func(t turn) {
		if first == nil || t.at < first.at {
			first = &t
		}
	}
	for _, step := range s.Definition.Steps {
		o := s.Op(step.Name, saga.Action)
		if !critical(h, step) || step.Waived || o == nil || ways[step.Name] != "" && !isGivenUp(s) || mayGoOn(ix, s, o, ds) {
			continue
		}
		if no := refusal(h, o); no != nil {
			note(turn{no.Ended, no.LearntAt(), o.Op.String() + " had been refused for good", newStepAfterFailure})
		} else if end := surelyUsedUp(h, s, o, ds); end != nil {
			note(turn{end.Ended, end.Ended.At, o.Op.String() + " had used up its attempts", newStepAfterFailure})
		}
	}
	for _, e := range s.Operator {
		if saga.Classify(e.Code) == saga.Done {
			note(turn{e, e.At, "an operator's request for the rollback had been accepted", newStepAfterRequest})
		}
	}
	if first == nil || pivotMayPrecede(h, s, first, ds) {
		return nil
	}
	return first
}

// mayGoOn tells whether an orchestrator may have gone on after an action had failed for good, since it was told, when it asked
// or without asking, that an earlier attempt had been done. Who goes back afterwards, and has no other reason to, did not.
func mayGoOn(ix *history.Index, s *history.SagaRecord, o *history.OpRecord, ds []disturbance) bool {
	if len(o.Found) == 0 {
		return false
	}
	back := rollbackEvent(s)
	if back == nil {
		return true
	}
	state, _ := coreBeside(ix, s, ds, back, o.Op.Step)
	return state != coreDone
}

// surelyUsedUp is the last attempt that the policy allows, if all of them surely
// failed and the orchestrator counts them. A kill in between may have cost the count of one.
func surelyUsedUp(h *history.History, s *history.SagaRecord, o *history.OpRecord, ds []disturbance) *history.Attempt {
	most := o.Call.Retry.Most()
	as := sent(o)
	if most == 0 || len(as) < most || endless(s, o.Op) || !keeps(h, "max-attempts") {
		return nil
	}
	if most += kills(ds, as[0].Sent.Seq, as[len(as)-1].Sent.Seq); len(as) < most {
		return nil
	}
	for _, a := range as[:most] {
		if a.Learnt() != saga.Transient {
			return nil
		}
	}
	return as[most-1]
}

// pivotMayPrecede tells whether a pivot had been attempted before the turn, and not
// surely failed, or found to be done after that: then the saga may not turn any more.
func pivotMayPrecede(h *history.History, s *history.SagaRecord, t *turn, ds []disturbance) bool {
	for _, step := range s.Definition.Steps {
		if step.Kind != saga.Pivot {
			continue
		}
		o := s.Op(step.Name, saga.Action)
		began := firstSent(o)
		if began != nil && began.Seq < t.event.Seq && (len(o.Found) > 0 || !(o.Learnt(saga.Permanent) != nil && keeps(h, "permanent-errors")) && surelyUsedUp(h, s, o, ds) == nil) {
			return true
		}
	}
	return false
}
