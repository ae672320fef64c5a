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
	return pr.hasTimeForRound()
}

// hasTimeForRound tells whether the time of the budget lets another round begin: where there is one it is never sure that it does,
// as nobody promises how long it is waited for at the most.
func (pr *prediction) hasTimeForRound() bool {
	limit := pr.whole.Budget.Time()
	if limit == 0 {
		return true
	}
	pr.doubtful = pr.doubtful || pr.way.killed || pr.way.lo+pr.whole.RoundDelay() <= limit+tick
	return false
}

// affordsRound tells whether the budget of the saga lets another round begin.
func (pr *prediction) affordsRound() bool {
	b := pr.whole.Budget
	return b.Attempts == 0 || pr.tried < b.Attempts
}
