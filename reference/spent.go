package reference

import (
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// A saga's budget over all its layers of retries: see saga.Budget. Its definition may have
// one, and a template of the policies, which is for the actions that follow that template and
// takes the definition's place for them.

// Layer is one of the layers of retries beside the call's own policy.
type Layer string

// The layers.
const (
	LayerRetryBudget Layer = "retry-budget" // of the participant: see saga.RetryBudget
	LayerBudget      Layer = "budget"       // of the saga: see saga.Budget
)

// budgetOf is the budget that bounds an action, and the template that has it; "": the
// definition has.
func (s *State) budgetOf(step int) (b saga.Budget, template string) {
	if d := s.decision(step); d.template != nil && d.template.Budget != nil {
		return *d.template.Budget, d.name
	}
	return s.Def.Budget, ""
}

// decision is the one by which the action of a step is called, as the policies say with which it
// began; of one that has not begun, as those in force say.
func (s *State) decision(step int) decision {
	version, begun := s.Policy(step)
	if !begun && s.versions != nil {
		version = s.versions.inForce()
	}
	return s.versions.decide(version, &s.Def, Ref{Step: step, Dir: saga.Action})
}

// Attempted is how often the actions that share the budget of a step have been attempted
// together.
func (s *State) Attempted(step int) (n int) {
	_, template := s.budgetOf(step)
	for i, st := range s.Def.Steps {
		if !st.Budgeted() {
			continue
		}
		if _, other := s.budgetOf(i); other == template {
			n += s.attempted(i)
		}
	}
	return n
}

// mayBeBounded tells whether anything says a budget.
func (s *State) mayBeBounded() bool {
	return s.Def.Budget != (saga.Budget{}) || s.versions != nil && s.versions.inForce() > 0
}

// spent tells whether the budget of a saga lets no attempt of an action begin at a time.
func (s *State) spent(r Ref, at time.Time) bool {
	if r.Dir != saga.Action || !s.Def.Steps[r.Step].Budgeted() || s.PastPivot() {
		return false
	}
	b, _ := s.budgetOf(r.Step)
	return b.TimeMS > 0 && at.After(s.accepted.Add(b.Time())) || b.Attempts > 0 && s.rules.Attempted(s, r.Step) >= b.Attempts
}

// endSpent gives up what the budget lets no attempt begin of any more, until nothing more
// follows from that.
func (r *run) endSpent(records *[]Record) {
	for again := r.state.mayBeBounded(); again; {
		again = false
		for _, ref := range r.e.rules.Starts(r.state) {
			if r.under[ref] == nil && r.e.rules.Spent(r.state, ref, r.e.now()) {
				r.take(records, r.ended(ref))
				again = true
			}
		}
	}
}

// ended is the record that the budget has ended an operation.
func (r *run) ended(ref Ref) Record {
	return Record{
		Kind: recWithdrawn, At: r.e.now(), Step: ref.Step, Direction: ref.Dir, Attempt: r.state.Op(ref).Attempts + 1,
		Exhausted: true, Layer: LayerBudget,
	}
}
