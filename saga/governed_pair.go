package saga

// GovernedPair finds two steps in order at which it shows whether an orchestrator keeps to
// policies and flags that are changed while the first one is under way: the second one
// begins right after it, may be attempted so often that it fails twice and is refused then,
// and the first one is undone if it is.
func (d Definition) GovernedPair() (first, second Step, ok bool) {
	ways := map[string]bool{} // whether they begin, or turn their saga, depends on each other
	for first, way := range d.Fallbacks() {
		ways[first], ways[way] = true, true
	}
	for i, s := range d.Steps {
		p, c := d.Predecessors(i), s.Action
		if len(p) != 1 || c.Breaker != nil || c.RetryBudget != nil || c.Retry.DeadlineMS > 0 || c.Retry.Rounds > 1 || c.Retry.Most() > 0 && c.Retry.Most() < GovernedAttempts {
			continue
		}
		turns := s.Kind == Compensatable || s.Kind == Pivot && s.Compensation != nil
		before, _ := d.Step(p[0])
		undone := before.Kind == Compensatable && before.Compensation != nil && before.Compensation.Breaker == nil && before.Compensation.RetryBudget == nil
		if turns && undone && !ways[before.Name] && !ways[s.Name] && before.Action.Breaker == nil && before.Action.RetryBudget == nil && before.Action.Retry.DeadlineMS == 0 {
			return before, s, true
		}
	}
	return Step{}, Step{}, false
}

// GovernedAttempts is how many attempts the second step needs at the least.
const GovernedAttempts = 4
