package reference

// facts are what follows from a state for the saga as a whole, when every step is
// looked at. Each decision about a step asks for them, so they are worked out once for
// each state, in one pass over steps and edges. A tally knows them without.
type facts struct {
	failing   bool
	pastPivot bool
	undecided bool
	passed    []bool // of each barrier: all before it is satisfied
	cleared   []bool // if failing, of each node: nothing is left of what comes later
}

// facts works them out if something has changed.
func (s *State) facts() *facts {
	if s.known == nil {
		f := &facts{pastPivot: s.pivotDone()}
		s.known = f // what follows asks for what is above
		for b := s.graph.steps; b < len(s.graph.before); b++ {
			f.passed = append(f.passed, all(s.graph.before[b], s.Satisfied))
		}
		f.failing = s.rules.Turned(s)
		f.undecided = s.pivotOpen()
		if f.failing { // nothing is undone before
			f.cleared = s.clearedNodes()
		}
	}
	return s.known
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

func all(nodes []int, holds func(int) bool) bool {
	for _, i := range nodes {
		if !holds(i) {
			return false
		}
	}
	return true
}
