package reference

import "github.com/sagacheck/sagacheck/saga"

// tally is what decisions ask of all steps of a saga together, counted while records
// come in: a saga may have thousands, and nothing may be looked for in each of them at
// each answer. That it says what looking at every step says is tested.
type tally struct {
	s *State
	counts
	flow *flow // nil: to be worked out anew
}

// counts are numbers of operations or steps.
type counts struct {
	underWay     int // operations with an attempt under way
	lost         int // steps: see Rules.Failed
	unsatisfied  int
	notUndone    int
	undosLost    int
	mustLearn    int
	pivotsDone   int
	pivotsUnsure int
}

var _ overview = (*tally)(nil)

func newTally(s *State) *tally {
	t := &tally{s: s}
	for i := range s.Def.Steps {
		t.add(s.countsOf(i), 1)
	}
	return t
}

func (t *tally) add(c counts, sign int) {
	t.underWay += sign * c.underWay
	t.lost += sign * c.lost
	t.unsatisfied += sign * c.unsatisfied
	t.notUndone += sign * c.notUndone
	t.undosLost += sign * c.undosLost
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
		underWay: one(a.Open) + one(u.Open), lost: one(s.rules.Failed(s, i)), unsatisfied: one(!s.Satisfied(i)),
		notUndone: one(!s.Undone(i)), undosLost: one(u.Lost()), mustLearn: one(s.mustLearn(i)),
	}
	if s.Def.Steps[i].Kind == saga.Pivot {
		c.pivotsDone, c.pivotsUnsure = one(a.Done()), one(a.Open || s.mustLearn(i))
	}
	return c
}

func (t *tally) before(step int) { t.change(step, -1) }

// change counts a step, and the one that stands for it, of which it says whether that is needed.
func (t *tally) change(step, sign int) {
	t.add(t.s.countsOf(step), sign)
	if way, ok := t.s.graph.ways[step]; ok {
		t.add(t.s.countsOf(way), sign)
	}
}

func (t *tally) after(step int) {
	t.change(step, 1)
	if t.flow != nil {
		t.flow.update(t.s, step)
	}
}

func (t *tally) open() bool        { return t.underWay > 0 }
func (t *tally) failed() bool      { return t.lost > 0 }
func (t *tally) failing() bool     { return t.s.rules.Turned(t.s) }
func (t *tally) missing() bool     { return t.unsatisfied > 0 }
func (t *tally) left() bool        { return t.notUndone > 0 || t.mustLearn > 0 }
func (t *tally) undoLost() bool    { return t.undosLost > 0 }
func (t *tally) pivotDone() bool   { return t.pivotsDone > 0 }
func (t *tally) pivotUnsure() bool { return t.pivotsUnsure > 0 }

// along is the flow in the direction in which the saga goes.
func (t *tally) along() *flow {
	if back := t.failing(); t.flow == nil || t.flow.back != back {
		t.flow = newFlow(t.s, back)
	}
	return t.flow
}

// candidates wait for no other step.
func (t *tally) candidates() (refs []Ref) {
	dir := saga.Action
	var steps []int
	switch {
	case t.mustLearn > 0 && t.failing(): // nothing is undone before
		steps = t.s.graph.pivots
	case t.failing():
		dir, steps = saga.Compensation, t.along().ready
	default:
		steps = t.along().ready
	}
	for _, i := range steps {
		if t.s.gaveWay(i) {
			refs = append(refs, Ref{i, saga.Compensation})
		} else {
			refs = append(refs, Ref{i, dir})
		}
	}
	return refs
}

// These two are asked in the direction in which the saga goes.

func (t *tally) satisfiedBefore(step int) bool { return t.along().waits[step] == 0 }
func (t *tally) undoneAfter(step int) bool     { return t.along().waits[step] == 0 }
func (t *tally) passed(barrier int) bool       { return all(t.s.graph.before[barrier], t.s.Satisfied) }
