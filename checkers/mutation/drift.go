package mutation

import (
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// driftOperators change what the orchestrator says of ledgers.
func driftOperators() []Operator {
	return []Operator{
		{"drift-not-told", "drift-unnoticed", "drift is not told, however long it is waited", driftNotTold},
		{"drift-not-repaired", "wrong-repair", "what was undone and is there again is not undone once more, however long it is waited", driftNotRepaired},
		{"drift-told-in-vain", "drift-unnoticed", "drift is told of a step that nobody changed", driftToldInVain},
	}
}

// driftNotTold takes what is said of a step that drifted away, and has it asked for much later.
func driftNotTold(ix *history.Index, yield func(string, *edit) bool) {
	if ix.DriftRead == nil {
		return
	}
	for _, d := range ix.Drifts {
		if d.Kind != history.Drifted || !isReadBack(ix, d) {
			continue
		}
		m := change(ix.History).drop(func(e *history.Event) bool {
			return e.Kind == history.DriftTold && e.Saga == d.Saga && e.Step == d.Step
		})
		if !yield(d.Operation().String(), m.delay(ix.DriftRead.Seq, 10*time.Second)) {
			return
		}
	}
}

// isReadBack tells whether drift is that of the last round of its saga.
func isReadBack(ix *history.Index, drifted *history.Event) bool {
	s := ix.Saga(drifted.Saga)
	if s == nil {
		return false
	}
	_, of := checkers.LastRound(s).Definition.Step(drifted.Step)
	return of
}

// driftNotRepaired takes the attempts at repairs away, and has it asked much later.
func driftNotRepaired(ix *history.Index, yield func(string, *edit) bool) {
	if ix.DriftRead == nil {
		return
	}
	for _, s := range ix.Sagas {
		for _, step := range s.Definition.Steps {
			ref := saga.StepRef{Step: step.Name, Direction: saga.Compensation}
			o := s.Repairs[ref]
			if o == nil {
				continue
			}
			made := map[int]bool{}
			for _, a := range o.Attempts {
				made[a.N] = true
			}
			m := change(ix.History).drop(func(e *history.Event) bool { return e.Operation() == o.Op && made[e.Attempt] })
			if !yield(o.Op.String(), m.delay(ix.DriftRead.Seq, 10*time.Second)) {
				return
			}
		}
	}
}

// driftToldInVain has something said of each step that can be read back, had an effect and did not
// drift.
func driftToldInVain(ix *history.Index, yield func(string, *edit) bool) {
	if ix.DriftRead == nil {
		return
	}
	for _, s := range ix.Sagas {
		for _, step := range s.Definition.Steps {
			o := s.Op(step.Name, saga.Action)
			if step.ReadBack == "" || o == nil || len(o.Effects) == 0 || drifts(ix, o.Op) {
				continue
			}
			told := history.Event{Kind: history.DriftTold, Saga: s.ID, Step: step.Name, Direction: saga.Action, What: "missing"}
			if !yield(o.Op.String(), change(ix.History).before(ix.DriftRead.Seq, told)) {
				return
			}
		}
	}
}

// drifts tells whether a history says something of a step's drift.
func drifts(ix *history.Index, op saga.Operation) bool {
	for _, d := range ix.Drifts {
		if d.Saga == op.Saga && d.Step == op.Step {
			return true
		}
	}
	return false
}
