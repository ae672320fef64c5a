package reference

import "github.com/sagacheck/sagacheck/saga"

// A way round: a step that is given up lets the one that stands for it begin, once nothing of it is
// left, so that nothing is done twice. Nothing of this is written down but what is written of each
// step: that the first is given up, what became of its undo, and the intents of the other.

// addFallbacks fills in which steps stand for which.
func (g *graph) addFallbacks(d saga.Definition, index map[string]int) {
	for i, s := range d.Steps {
		if s.FallbackFor == "" {
			continue
		}
		if g.ways == nil {
			g.ways, g.first = map[int]int{}, map[int]int{}
		}
		g.ways[index[s.FallbackFor]], g.first[i] = i, index[s.FallbackFor]
	}
}

// gaveWay: the step is given up, and another one stands for it.
func (s *State) gaveWay(i int) bool {
	_, ok := s.graph.ways[i]
	return ok && s.Actions[i].Lost()
}

// spared: the step stands for one that has succeeded, so that it is not needed.
func (s *State) spared(i int) bool {
	first, ok := s.graph.first[i]
	return ok && s.Actions[first].Done()
}

// passes: what comes behind the step may start.
func (s *State) passes(i int) bool {
	return s.lets(i) || s.spared(i) || s.gaveWay(i) && s.Undone(i)
}

// ready: the step may start, as far as those before it go.
func (s *State) ready(i int) bool { return !s.spared(i) && s.all.satisfiedBefore(i) }

// fails: the step will not succeed any more, and none stands for it.
func (s *State) fails(i int) bool {
	return s.Critical(i) && s.Actions[i].Lost() && !s.gaveWay(i)
}

// goesBack: what the step did is to be undone, with its saga or for the one that stands for it.
func (s *State) goesBack(i int) bool { return s.Failing() || s.gaveWay(i) }

// mayUndo: what comes later lets the step be undone. Behind one that gives way nothing has begun.
func (s *State) mayUndo(i int) bool { return !s.Failing() || s.all.undoneAfter(i) }

// hasWork: something of the step is left to do on the way forward.
func (s *State) hasWork(i int) bool {
	return s.gaveWay(i) && !s.Undone(i) || !s.Actions[i].Settled() && !s.spared(i)
}
