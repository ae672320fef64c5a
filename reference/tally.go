package reference

import "github.com/sagacheck/sagacheck/saga"

// tally is what decisions ask of all steps of a saga together, counted while records
// come in: a saga may have thousands, and nothing may be looked for in each of them at
// each answer. That it says what looking at every step says is tested.
type tally struct {
	counts
	flow *flow // nil: to be worked out anew
}

// counts are numbers of operations or steps.
type counts struct {
	open         int // operations with an attempt under way
	failed       int // see failed
	unsatisfied  int // see satisfied
	left         int // see undone
	stuck        int // compensations that failed for good
	mustLearn    int // see mustLearn
	pivotsDone   int
	pivotsUnsure int // that may still turn out to have succeeded
}

func newTally(s *State) *tally {
	t := &tally{}
	for i := range s.Def.Steps {
		t.add(s.countsOf(i), 1)
	}
	return t
}

func (t *tally) add(c counts, sign int) {
	t.open += sign * c.open
	t.failed += sign * c.failed
	t.unsatisfied += sign * c.unsatisfied
	t.left += sign * c.left
	t.stuck += sign * c.stuck
	t.mustLearn += sign * c.mustLearn
	t.pivotsDone += sign * c.pivotsDone
	t.pivotsUnsure += sign * c.pivotsUnsure
}

// countsOf is what one step adds.
func (s *State) countsOf(i int) counts {
	a, u := &s.Actions[i], &s.Undos[i]
	one := func(holds bool) int {
		if holds {
			return 1
		}
		return 0
	}
	c := counts{
		open: one(a.Open) + one(u.Open), failed: one(s.failed(i)), unsatisfied: one(!s.Satisfied(i)),
		left: one(!s.Undone(i)), stuck: one(u.Lost()), mustLearn: one(s.mustLearn(i)),
	}
	if s.Def.Steps[i].Kind == saga.Pivot {
		c.pivotsDone, c.pivotsUnsure = one(a.Done()), one(a.Open || s.mustLearn(i))
	}
	return c
}

// during changes a step, and the counts with it. A nil tally counts nothing.
func (t *tally) during(s *State, step int, change func() error) error {
	if t == nil {
		return change()
	}
	t.add(s.countsOf(step), -1)
	err := change()
	t.add(s.countsOf(step), 1)
	if t.flow != nil {
		t.flow.update(s, step)
	}
	return err
}

// flowOf is the flow in the direction in which the saga goes.
func (t *tally) flowOf(s *State) *flow {
	if back := s.Failing(); t.flow == nil || t.flow.back != back {
		t.flow = newFlow(s, back)
	}
	return t.flow
}

// candidates are the operations that wait for no other step: of which some may not be
// wanted all the same.
func (t *tally) candidates(s *State) (refs []Ref) {
	dir, steps := saga.Action, []int(nil)
	switch {
	case t.mustLearn > 0 && s.Failing(): // nothing is undone before
		steps = s.graph.pivots
	case s.Failing():
		dir, steps = saga.Compensation, t.flowOf(s).ready
	default:
		steps = t.flowOf(s).ready
	}
	for _, i := range steps {
		refs = append(refs, Ref{i, dir})
	}
	return refs
}
