package reference

import "slices"

// facts are what follows from a state for the saga as a whole. Each decision about
// a step asks for them, so they are worked out once for each state, in one pass
// over steps and edges.
type facts struct {
	failing   bool
	pastPivot bool
	undecided bool
	passed    []bool // of each barrier: all before it is satisfied
	cleared   []bool // if failing, of each node: nothing is left of what comes later
}

// facts works them out if something has changed.
func (s *state) facts() *facts {
	if s.known == nil {
		f := &facts{pastPivot: s.pivotDone()}
		s.known = f // what follows asks for what is above
		for b := s.graph.steps; b < len(s.graph.before); b++ {
			before := s.graph.before[b] // in order
			done, _ := slices.BinarySearch(before, s.doneBefore())
			f.passed = append(f.passed, all(before[done:], s.satisfied))
		}
		f.failing = s.turned()
		f.undecided = s.pivotOpen()
		if f.failing { // nothing is undone before
			f.cleared = s.clearedNodes()
		}
	}
	return s.known
}

// doneBefore is how many steps, from the first on, have succeeded and were not touched
// since, by a call or a compensation: a saga may have thousands, and nothing that is
// asked of them all is asked of these again at each answer.
func (s *state) doneBefore() int {
	if len(s.defects) > 0 { // they may look at every step
		return 0
	}
	for s.front < len(s.actions) && s.actions[s.front].done() && !s.actions[s.front].open && s.undos[s.front] == (opState{}) {
		s.front++
	}
	return s.front
}

// firstOpen is the first step about which there is something to decide: on the way
// back every one.
func (s *state) firstOpen() int {
	if s.failing() {
		return 0
	}
	return s.doneBefore()
}

func (s *state) clearedNodes() []bool {
	cleared := make([]bool, len(s.graph.before))
	for at := len(s.graph.order) - 1; at >= 0; at-- {
		i := s.graph.order[at]
		cleared[i] = all(s.graph.next[i], func(j int) bool {
			return cleared[j] && (j >= s.graph.steps || s.undone(j))
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
