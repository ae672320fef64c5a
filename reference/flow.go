package reference

import "slices"

// flow says which steps have nothing to wait for, forward or on the way back. Each
// change of a step is passed on along the edges as far as it makes a difference, so
// that all of them together cost as much as there are steps and edges.
type flow struct {
	back   bool
	next   [][]int // of each node: those that wait for it
	waits  []int   // of each node: for how many
	passed []bool  // of each node: none waits for it any more
	ready  []int   // in order: steps that wait for nothing, with something left to do
}

func newFlow(s *State, back bool) *flow {
	f := &flow{back: back, next: s.graph.next, waits: make([]int, len(s.graph.before)), passed: make([]bool, len(s.graph.before))}
	before, order := s.graph.before, s.graph.order
	if back {
		before, f.next, order = f.next, before, slices.Clone(order)
		slices.Reverse(order)
	}
	for _, i := range order {
		for _, j := range before[i] {
			if !f.passed[j] {
				f.waits[i]++
			}
		}
		f.passed[i] = f.passes(s, i)
		if f.isReady(s, i) {
			f.ready = append(f.ready, i)
		}
	}
	slices.Sort(f.ready)
	return f
}

// passes: whoever waits for the node need not any more.
func (f *flow) passes(s *State, i int) bool {
	switch {
	case i >= s.graph.steps:
		return f.waits[i] == 0
	case f.back:
		return f.waits[i] == 0 && s.Undone(i)
	}
	return s.Satisfied(i)
}

func (f *flow) isReady(s *State, i int) bool {
	if i >= s.graph.steps || f.waits[i] > 0 {
		return false
	}
	if f.back {
		return !f.passed[i]
	}
	return s.hasWork(i)
}

// update passes on that a step has changed.
func (f *flow) update(s *State, step int) {
	for todo := []int{step}; len(todo) > 0; {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if passes := f.passes(s, i); passes != f.passed[i] {
			f.passed[i] = passes
			for _, j := range f.next[i] {
				if passes {
					f.waits[j]--
				} else {
					f.waits[j]++
				}
				todo = append(todo, j)
			}
		}
		at, listed := slices.BinarySearch(f.ready, i)
		switch ready := f.isReady(s, i); {
		case ready && !listed:
			f.ready = slices.Insert(f.ready, at, i)
		case !ready && listed:
			f.ready = slices.Delete(f.ready, at, at+1)
		}
	}
}
