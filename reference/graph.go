package reference

import (
	"slices"

	"github.com/sagacheck/sagacheck/saga"
)

// graph is the order of a saga's steps, by index: what its definition says in
// `after`, and the barriers that make the pivot a point of no return.
type graph struct {
	before [][]int // steps that must be satisfied first
	after  [][]int // all steps that come later, transitively
}

func newGraph(d saga.Definition) graph {
	g := graph{before: make([][]int, len(d.Steps))}
	for i := range d.Steps {
		for _, name := range d.Predecessors(i) {
			g.before[i] = append(g.before[i], d.StepIndex(name))
		}
	}
	g.close()
	g.addBarriers(d)
	g.close()
	return g
}

// close computes the transitive successors.
func (g *graph) close() {
	g.after = make([][]int, len(g.before))
	for i := range g.before {
		seen := map[int]bool{}
		var up func(int)
		up = func(j int) {
			for _, p := range g.before[j] {
				if !seen[p] {
					seen[p] = true
					g.after[p] = append(g.after[p], i)
					up(p)
				}
			}
		}
		up(i)
	}
}

// addBarriers orders what a definition may leave open: a pivot waits for every
// compensatable step that is not behind a pivot itself, else that step could
// fail when nothing can be undone any more; a retriable step that leads only to
// others of its kind waits for the pivots, else it could not be undone.
// The edges can't close a circle: what a pivot waits for has neither pivots nor
// waiting retriables before it.
func (g *graph) addBarriers(d saga.Definition) {
	kind := func(k saga.Kind) func(int) bool {
		return func(i int) bool { return d.Steps[i].Kind == k }
	}
	behindPivot := make([]bool, len(d.Steps))
	for i := range d.Steps {
		if kind(saga.Pivot)(i) {
			for _, j := range g.after[i] {
				behindPivot[j] = true
			}
		}
	}
	extra := make([][]int, len(d.Steps))
	for p := range d.Steps {
		if !kind(saga.Pivot)(p) {
			continue
		}
		for i := range d.Steps {
			switch {
			case kind(saga.Compensatable)(i) && !behindPivot[i]:
				extra[p] = append(extra[p], i)
			case kind(saga.Retriable)(i) && !slices.ContainsFunc(g.after[i], kind(saga.Pivot)) &&
				!slices.ContainsFunc(g.after[i], kind(saga.Compensatable)):
				extra[i] = append(extra[i], p)
			}
		}
	}
	for i, more := range extra {
		g.before[i] = append(slices.Clone(g.before[i]), more...)
		slices.Sort(g.before[i])
		g.before[i] = slices.Compact(g.before[i])
	}
}
