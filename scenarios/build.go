package scenarios

import (
	"fmt"
	"strings"

	"github.com/sagacheck/sagacheck/saga"
)

// placeholder stands for the saga's id in the names of accounts and registers
// and in the values of registers.
const placeholder = "${saga}"

// Address gives the URL of one direction of a step of the n-th saga, counted
// from 0.
type Address func(n int, ref saga.StepRef) string

// Build makes the definitions that are submitted, one for each id, and the
// initial values of the registers by full name. The scenario must be valid.
func (s *Scenario) Build(ids []string, address Address) ([]saga.Definition, map[string]string) {
	defs := make([]saga.Definition, len(ids))
	registers := map[string]string{}
	for n, id := range ids {
		defs[n] = saga.Definition{ID: id, Name: s.Name, Budget: s.Budget, Rounds: s.Rounds, RoundDelayMS: s.RoundDelayMS, Steps: make([]saga.Step, len(s.Steps))}
		for i := range s.Steps {
			defs[n].Steps[i] = s.buildStep(i, id, ids[0], func(d saga.Direction) string {
				return address(n, saga.StepRef{Step: s.Steps[i].Name, Direction: d})
			})
		}
		for name, value := range s.Registers {
			registers[fill(name, id)] = fill(value, id)
		}
	}
	return defs, registers
}

func (s *Scenario) buildStep(i int, id, cell string, url func(saga.Direction) string) saga.Step {
	st := &s.Steps[i]
	action := effect(st.Do, st.Participant, id)
	breaker, budget := breakerOf(st, cell), budgetOf(st, cell)
	built := saga.Step{
		Name: st.Name, Kind: st.Kind, After: st.After, FallbackFor: st.FallbackFor,
		Action: saga.Call{URL: url(saga.Action), Body: body(action, i, saga.Action), Retry: ofCell(s.actionPolicy(st), cell), Breaker: breaker, RetryBudget: budget},
	}
	if undo, ok := st.undo(action, id); ok {
		built.Compensation = &saga.Call{URL: url(saga.Compensation), Body: body(undo, i, saga.Compensation), Retry: ofCell(s.undoPolicy(st), cell), Breaker: breaker, RetryBudget: budget}
	}
	if st.ReadBack {
		built.ReadBack = url(saga.ReadingBack)
	}
	return built
}

// breakerOf is the step's breaker under a name that no other cell has: cells that
// run side by side on one orchestrator must not open each other's breakers.
func breakerOf(st *Step, cell string) *saga.Breaker {
	if st.Breaker == nil {
		return nil
	}
	b := *st.Breaker
	b.Name += "@" + cell
	return &b
}

// budgetOf is the step's retry budget, for the same reason.
func budgetOf(st *Step, cell string) *saga.RetryBudget {
	if st.RetryBudget == nil {
		return nil
	}
	b := *st.RetryBudget
	b.Name += "@" + cell
	return &b
}

// ofCell is a policy that follows what is observed in its cell only.
func ofCell(p saga.RetryPolicy, cell string) saga.RetryPolicy {
	if !p.Adaptive.IsZero() {
		p.Adaptive.Name += "@" + cell
	}
	return p
}

// undo is the effect of the compensation; ok is false where there is none.
func (st *Step) undo(action saga.Effect, id string) (e saga.Effect, ok bool) {
	switch mode := st.undoMode(); mode {
	case UndoNone:
		return saga.Effect{}, false
	case UndoInverse:
		return action.Inverse(), true
	}
	return effect(st.Undo.Do, st.Participant, id), true
}

// undoMode is the mode of the compensation with the default applied; empty for an
// explicit list.
func (st *Step) undoMode() UndoMode {
	switch {
	case st.Undo != nil:
		return st.Undo.Mode
	case st.Kind == saga.Retriable: // never undone
		return UndoNone
	}
	return UndoInverse
}

// effect puts the changes together; names get the participant's prefix.
func effect(changes []Change, participant, id string) saga.Effect {
	var e saga.Effect
	full := func(name string) string { return participant + "/" + fill(name, id) }
	for _, c := range changes {
		switch {
		case c.Transfer != nil:
			t := c.Transfer
			e.Postings = append(e.Postings,
				saga.Posting{Account: full(t.From), Amount: -t.Amount, Unit: t.Unit},
				saga.Posting{Account: full(t.To), Amount: t.Amount, Unit: t.Unit})
		case c.Set != nil:
			e.Writes = append(e.Writes, saga.Write{Register: full(c.Set.Register), From: fill(c.Set.From, id), To: fill(c.Set.To, id)})
		case c.Create != nil:
			e.Writes = append(e.Writes, saga.Write{Register: full(c.Create.Record), To: Exists})
		case c.Delete != nil:
			e.Writes = append(e.Writes, saga.Write{Register: full(c.Delete.Record), From: Exists})
		}
	}
	return e
}

func fill(text, id string) string { return strings.ReplaceAll(text, placeholder, id) }

// Participant is the service that a step belongs to; empty if there is no such
// step.
func (s *Scenario) Participant(step string) string {
	for _, st := range s.Steps {
		if st.Name == step {
			return st.Participant
		}
	}
	return ""
}

// Participants lists the services of the scenario in the order of its steps.
func (s *Scenario) Participants() []string {
	var ps []string
	seen := map[string]bool{}
	for _, st := range s.Steps {
		if !seen[st.Participant] {
			seen[st.Participant] = true
			ps = append(ps, st.Participant)
		}
	}
	return ps
}

// exampleIDs are ids for building a scenario that is only looked at.
func exampleIDs(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("s-%d", i+1)
	}
	return ids
}
