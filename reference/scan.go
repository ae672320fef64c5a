package reference

import "slices"

// scan looks at every step whenever something is asked. What is asked for at each
// decision about a step is worked out once for each state, in one pass over steps and
// edges.
type scan struct {
	s     *State
	known *facts // nil: to be worked out anew
}

var _ overview = (*scan)(nil)

type facts struct {
	failing   bool
	pivotDone bool
	unsure    bool
	passed    []bool // of each barrier
	cleared   []bool // if failing, of each node: nothing is left of what comes later
}

// facts works them out if something has changed.
func (c *scan) facts() *facts {
	if c.known == nil {
		s := c.s
		pivot := func(holds func(i int) bool) bool { return slices.ContainsFunc(s.graph.pivots, holds) }
		f := &facts{pivotDone: pivot(func(i int) bool { return s.Actions[i].Done() })}
		c.known = f // what follows asks for what is above
		for b := s.graph.steps; b < len(s.graph.before); b++ {
			f.passed = append(f.passed, all(s.graph.before[b], s.Satisfied))
		}
		f.failing = s.rules.Turned(s)
		f.unsure = pivot(func(i int) bool { return s.Actions[i].Open || s.mustLearn(i) })
		if f.failing { // nothing is undone before
			f.cleared = s.clearedNodes()
		}
	}
	return c.known
}

func (s *State) clearedNodes() []bool {
	cleared := make([]bool, len(s.graph.before))
	for at := len(s.graph.order) - 1; at >= 0; at-- {
		i := s.graph.order[at]
		cleared[i] = all(s.graph.next[i], func(j int) bool {
			return cleared[j] && (j >= s.graph.steps || s.Undone(j))
		})
	}
	return cleared
}

func (c *scan) before(int) {}
func (c *scan) after(int)  { c.known = nil }

// any tells whether something holds of some step.
func (c *scan) any(holds func(step int) bool) bool {
	for i := range c.s.Def.Steps {
		if holds(i) {
			return true
		}
	}
	return false
}

func (c *scan) open() bool {
	return c.any(func(i int) bool { return c.s.Actions[i].Open || c.s.Undos[i].Open })
}

func (c *scan) failed() bool  { return c.any(func(i int) bool { return c.s.rules.Failed(c.s, i) }) }
func (c *scan) failing() bool { return c.facts().failing }
func (c *scan) missing() bool { return c.any(func(i int) bool { return !c.s.Satisfied(i) }) }
func (c *scan) left() bool {
	return c.any(func(i int) bool { return !c.s.Undone(i) || c.s.mustLearn(i) })
}

func (c *scan) undoLost() bool    { return c.any(func(i int) bool { return c.s.Undos[i].Lost() }) }
func (c *scan) pivotDone() bool   { return c.facts().pivotDone }
func (c *scan) pivotUnsure() bool { return c.facts().unsure }

func (c *scan) candidates() (refs []Ref) {
	for i := range c.s.Def.Steps {
		both := bothOf(i)
		refs = append(refs, both[:]...)
	}
	return refs
}

func (c *scan) satisfiedBefore(step int) bool { return all(c.s.graph.before[step], c.s.Satisfied) }
func (c *scan) undoneAfter(step int) bool     { return c.facts().cleared[step] }
func (c *scan) passed(barrier int) bool       { return c.facts().passed[barrier-c.s.graph.steps] }

func all(nodes []int, holds func(int) bool) bool {
	for _, i := range nodes {
		if !holds(i) {
			return false
		}
	}
	return true
}
