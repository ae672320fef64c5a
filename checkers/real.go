package checkers

import (
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// Behind a step of the user's own workflow may stand a real service. What such a one did is
// what it said that it did: its effects are recorded when it answers, none of its ledgers is
// ours, and of what it does not say nothing is judged.

// Why a real service's part of a property is not judged.
const (
	noLedger = "real services stand behind the workflow: what happens inside of them is not seen"
	unnamed  = "the real service gave no name for what it did: whether it did it twice is not known"
	own5xx   = "the real service failed by itself: whether it did it is not known"
)

// allReal tells whether a real service stands behind each step.
func allReal(h *history.History) bool {
	steps := 0
	for _, d := range h.Header.Definitions {
		for _, s := range d.Steps {
			if steps++; !h.Real(s.Name) {
				return false
			}
		}
	}
	return steps > 0
}

// realOnes says that a clause about the inside of services is not applicable to a history.
func realOnes(inside bool, h *history.History) string {
	if inside && allReal(h) {
		return noLedger
	}
	return ""
}

// unsure says why it can't be told whether a real service did an operation exactly as often
// as it has an effect; empty: it can.
func unsure(h *history.History, o *history.OpRecord) string {
	if o == nil || !h.Real(o.Op.Step) {
		return ""
	}
	done, failed := 0, false
	for _, a := range o.Attempts {
		for _, e := range a.Answered {
			if e.Reply == nil { // the wire's own answer
				continue
			}
			if saga.Classify(e.Code) == saga.Done {
				done++
			}
			failed = failed || e.Code >= 500
		}
	}
	nameless := slices.ContainsFunc(o.Effects, func(e *history.Event) bool { return e.Detail == history.Unnamed })
	switch {
	case failed:
		return own5xx
	case nameless && done > 1:
		return unnamed
	}
	return ""
}

// unsureUndo is unsure for the compensation of a step, or the first of its parts that is.
func unsureUndo(h *history.History, s *history.SagaRecord, step string) string {
	for _, o := range s.Undos(step) {
		if why := unsure(h, o); why != "" {
			return why
		}
	}
	return ""
}

// tooSlow is a step whose last attempt a real service had not answered when the
// orchestrator gave it up, with no fault as the reason; empty: there is none.
func tooSlow(h *history.History, ix *history.Index, s *history.SagaRecord) string {
	for _, o := range opsOf(s) {
		a := o.Attempts[len(o.Attempts)-1]
		if !h.Real(o.Op.Step) || len(a.Received) == 0 || a.Severed() || struck(ix, o.Op, a.N) {
			continue
		}
		if a.Ended == nil || len(a.Answered) == 0 || a.Answered[0].Seq > a.Ended.Seq {
			return saga.StepRef{Step: o.Op.Step, Direction: o.Op.Direction}.String()
		}
	}
	return ""
}

// struck tells whether a fault acted on an attempt.
func struck(ix *history.Index, op saga.Operation, n int) bool {
	for _, es := range ix.Fired {
		if slices.ContainsFunc(es, func(e *history.Event) bool { return e.Operation() == op && e.Attempt == n }) {
			return true
		}
	}
	return false
}
