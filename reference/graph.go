package reference

import (
	"slices"

	"github.com/sagacheck/sagacheck/saga"
)

// graph is the order of a saga's steps, by index: what its definition says in
// `after`, and the barriers that make the pivot a point of no return. Each barrier
// is a node of its own behind the steps, since an edge for each pair that it orders
// would be a square of them.
type graph struct {
	steps  int
	before [][]int // of each node: what must be satisfied first
	next   [][]int // the other way round
	order  []int   // all nodes, each behind those before it
	pivots []int
	ways   map[int]int // fallbacks, by the step for which they stand
	first  map[int]int // the other way round
}

// newGraph needs a definition that is valid.
func newGraph(d saga.Definition) graph {
	n := len(d.Steps)
	g := graph{steps: n, before: make([][]int, n), next: make([][]int, n)}
	index := make(map[string]int, n)
	for i, s := range d.Steps {
		index[s.Name] = i
	}
	for i := range d.Steps {
		for _, name := range d.Predecessors(i) {
			g.edge(index[name], i)
		}
	}
	g.addFallbacks(d, index)
	g.addBarriers(d)
	g.sort()
	return g
}

func (g *graph) edge(from, to int) {
	g.before[to] = append(g.before[to], from)
	g.next[from] = append(g.next[from], to)
}

// addBarriers orders what a definition may leave open: a pivot waits for every
// compensatable step that is not behind a pivot itself, else that step could
// fail when nothing can be undone any more; a retriable step that leads only to
// others of its kind waits for the pivots, else it could not be undone.
// The edges can't close a circle: what a pivot waits for has neither pivots nor
// waiting retriables before it.
func (g *graph) addBarriers(d saga.Definition) {
	var notRetriable []int // pivots and compensatable steps
	for i, s := range d.Steps {
		switch s.Kind {
		case saga.Pivot:
			g.pivots, notRetriable = append(g.pivots, i), append(notRetriable, i)
		case saga.Compensatable:
			notRetriable = append(notRetriable, i)
		}
	}
	if len(g.pivots) == 0 {
		return
	}
	behindPivot, leadsOn := reach(g.next, g.pivots), reach(g.before, notRetriable)
	allReady, noReturn := g.steps, g.steps+1
	g.before, g.next = append(g.before, nil, nil), append(g.next, nil, nil)
	for i, s := range d.Steps {
		switch {
		case s.Kind == saga.Pivot:
			g.edge(allReady, i)
			g.edge(i, noReturn)
		case s.Kind == saga.Compensatable && !behindPivot[i]:
			g.edge(i, allReady)
		case s.Kind == saga.Retriable && !leadsOn[i]:
			g.edge(noReturn, i)
		}
	}
}

// reach marks what can be reached from some nodes by one step or more.
func reach(edges [][]int, from []int) []bool {
	reached := make([]bool, len(edges))
	for todo := slices.Clone(from); len(todo) > 0; {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, j := range edges[i] {
			if !reached[j] {
				reached[j] = true
				todo = append(todo, j)
			}
		}
	}
	return reached
}

// sort fills in the order.
func (g *graph) sort() {
	waits := make([]int, len(g.before))
	g.order = make([]int, 0, len(g.before))
	for i, before := range g.before {
		if waits[i] = len(before); waits[i] == 0 {
			g.order = append(g.order, i)
		}
	}
	for at := 0; at < len(g.order); at++ {
		for _, j := range g.next[g.order[at]] {
			if waits[j]--; waits[j] == 0 {
				g.order = append(g.order, j)
			}
		}
	}
}

// directly lists the steps directly before one, through barriers too.
func (g *graph) directly(i int) (steps []int) {
	for _, p := range g.before[i] {
		if p < g.steps {
			steps = append(steps, p)
		} else {
			steps = append(steps, g.before[p]...)
		}
	}
	return steps
}

// later lists all steps behind one, transitively.
func (g *graph) later(i int) (steps []int) {
	for j, behind := range reach(g.next, []int{i}) {
		if behind && j < g.steps {
			steps = append(steps, j)
		}
	}
	return steps
}

// Before lists what must be satisfied before a step starts: steps, and other nodes of
// the order, of which Satisfied can be asked too.
func (s *State) Before(step int) []int { return s.graph.before[step] }

// Directly lists the steps directly before one.
func (s *State) Directly(step int) []int { return s.graph.directly(step) }

// Later lists all steps behind one.
func (s *State) Later(step int) []int { return s.graph.later(step) }
