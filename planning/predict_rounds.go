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

// hasTimeForRound tells whether the time of the budget lets another round begin, and has the wait before it pass, which may be half as
// long again. What comes near the end of that time is a race.
func (pr *prediction) hasTimeForRound() bool {
	limit, wait := pr.whole.Budget.Time(), pr.whole.RoundDelay()
	if limit == 0 {
		return true
	}
	pr.way.spend(wait, wait*3/2)
	if !pr.way.killed && pr.way.hi+lateness <= limit {
		return true
	}
	pr.doubtful = pr.doubtful || pr.way.killed || pr.way.lo <= limit+tick
	return false
}

// affordsRound tells whether the budget of the saga lets another round begin.
func (pr *prediction) affordsRound() bool {
	b := pr.whole.Budget
	return b.Attempts == 0 || pr.tried < b.Attempts
}
