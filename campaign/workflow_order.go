package campaign

import (
	"cmp"
	"slices"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// inOrder puts the steps of a workflow, of which its file says nothing, in the order in
// which the first of some runs took them; what that did not take is asked of no saga. A step
// comes after another one if it never was attempted before that had succeeded, in any of the
// runs: in the others each step was late to succeed once, which tells apart what waits from
// what happened to be slower.
func inOrder(steps []saga.Step, runs []*history.Index) []saga.Step {
	first := firsts(runs[0])
	steps = slices.DeleteFunc(slices.Clone(steps), func(s saga.Step) bool { return first[s.Name] == 0 })
	slices.SortFunc(steps, func(a, b saga.Step) int { return cmp.Compare(first[a.Name], first[b.Name]) })
	before := map[string][]string{}
	for j, later := range steps {
		for _, earlier := range steps[:j] {
			if !sameStep(later.Name, earlier.Name) && waited(runs, later.Name, earlier.Name) {
				before[later.Name] = append(before[later.Name], earlier.Name)
			}
		}
	}
	for i := range steps {
		steps[i].After = nearest(before, steps[i].Name)
	}
	return steps
}

// firsts are the sequence numbers of the first attempts of the steps.
func firsts(ix *history.Index) map[string]int {
	seqs := map[string]int{}
	for _, e := range ix.Sagas[0].Calls {
		if e.Kind == history.CallSent && e.Direction == saga.Action && seqs[e.Step] == 0 {
			seqs[e.Step] = e.Seq
		}
	}
	return seqs
}

// sameStep tells instances of one step: nothing is said of their order.
func sameStep(a, b string) bool {
	a, _ = saga.CutInstance(a)
	b, _ = saga.CutInstance(b)
	return a == b
}

func waited(runs []*history.Index, later, earlier string) bool {
	return !slices.ContainsFunc(runs, func(ix *history.Index) bool { return checkers.Overtook(ix.Sagas[0], later, earlier) })
}

// nearest are the steps before one that no other step lies between.
func nearest(before map[string][]string, step string) []string {
	near := []string{}
	for _, name := range before[step] {
		if !slices.ContainsFunc(before[step], func(between string) bool { return slices.Contains(before[between], name) }) {
			near = append(near, name)
		}
	}
	return near
}
