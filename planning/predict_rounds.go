package planning

import "github.com/sagacheck/sagacheck/saga"

// The rounds of a saga: see saga.Definition.InRound.

// round begins to follow a round of the saga.
func (pr *prediction) round(n int) {
	pr.def, pr.failed = pr.whole.InRound(n), false
}

// again tells whether another round follows. Where it is not sure how one goes on, it is not sure whether
// another one follows.
func (pr *prediction) again(n int) bool {
	if !pr.failed || pr.stuck || pr.pivoted || pr.asked || pr.doubtful || n >= pr.whole.Rounds || !pr.affordsRound() {
		return false
	}
	for _, s := range pr.def.Steps {
		if end := pr.steps[s.Name]; end == refused || pr.unstable[s.Name] {
			return false
		}
		if s.Kind == saga.Deferrable && pr.steps[s.Name] == deferred {
			pr.doubtful = true // whether it was refused in the background
		}
	}
	return true
}

// affordsRound tells whether the budget of the saga lets another round begin.
func (pr *prediction) affordsRound() bool {
	b := pr.whole.Budget
	return b.Attempts == 0 || pr.tried < b.Attempts
}
