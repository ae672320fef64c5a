package harness

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/workflows"
)

// Amend makes a stored history of a workflow one that says what the workflow's file says now:
// its promises, the kinds of its steps, and its invariants, which are checked again. What was
// called, and what it did, stays. The error says why that can't be: the history is of something
// else, has steps that the file no longer has, or keeps too little of a saga for an invariant.
func Amend(h *history.History, flow *workflows.Workflow) error {
	switch of := h.Header.Workflow; of {
	case flow.Name:
	case "":
		return fmt.Errorf("is of sagas that Sagacheck made, and of no workflow: expected one of %s", flow.Name)
	default:
		return fmt.Errorf("is of the workflow %q: expected one of %s", of, flow.Name)
	}
	h.Header.Promises = flow.Promised()
	h.Header.Orchestrator.Capabilities = slices.Sorted(slices.Values(flow.Manifest().Capabilities))
	return errors.Join(amendSteps(h, flow), amendInvariants(h, flow))
}

// amendSteps gives the steps the kinds and the budgets of attempts that the file has.
func amendSteps(h *history.History, flow *workflows.Workflow) error {
	planned := map[string]workflows.Planned{}
	for _, p := range flow.Plan() {
		planned[p.Name] = p
	}
	for _, d := range h.Header.Definitions {
		for i := range d.Steps {
			s := &d.Steps[i]
			p, there := planned[base(s.Name)]
			if !there || (s.Compensation == nil) != (p.Undo == nil) {
				return fmt.Errorf("has a step %q, which the file has not, or undoes otherwise: run it again", base(s.Name))
			}
			s.Kind, s.Action.Retry.MaxAttempts = p.Kind, flow.Promise(p.Do).MaxAttempts
			if s.Compensation != nil {
				s.Compensation.Retry.MaxAttempts = flow.Promise(p.Undo).MaxAttempts
			}
		}
	}
	return nil
}

// amendInvariants checks the invariants again, where they were checked: when all was silent.
func amendInvariants(h *history.History, flow *workflows.Workflow) error {
	before := map[string][]workflows.Checked{} // by the saga
	var kept []history.Event
	at := -1
	for _, e := range h.Events {
		if e.Kind == history.InvariantChecked {
			before[e.Saga] = append(before[e.Saga], workflows.Checked{Name: e.Invariant, When: workflows.When(e.When), Holds: e.Holds, Detail: e.Detail})
			continue
		}
		kept = append(kept, e)
		if e.Kind == history.Settled {
			at = len(kept)
		}
	}
	if at < 0 { // its cell came to no end, and nobody looked
		return nil
	}
	var found []history.Event
	for _, d := range h.Header.Definitions {
		f, ended := facts(kept, workflows.SagaVars{ID: d.ID})
		if !ended || !accepted(kept, d.ID) {
			continue
		}
		checked, err := flow.Recheck(f, before[d.ID])
		if err != nil {
			return err
		}
		for _, c := range checked {
			e := invariantEvent(d.ID, c)
			e.At = kept[at-1].At
			found = append(found, e)
		}
	}
	h.Events = slices.Insert(kept, at, found...)
	for i := range h.Events {
		h.Events[i].Seq = i + 1
	}
	return nil
}

// accepted tells whether the workflow took the saga.
func accepted(events []history.Event, id string) bool {
	return slices.ContainsFunc(events, func(e history.Event) bool { return e.Kind == history.SagaAccepted && e.Saga == id })
}
