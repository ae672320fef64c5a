package saga

import (
	"errors"
	"fmt"
	"slices"
)

// A way round: a step may stand for another one, which is given up (Step.FallbackFor). It comes
// directly behind that one, and begins when nothing of it is left. What comes later waits for
// the fallback, which is passed over where the step itself has succeeded.

// Fallbacks are, by the name of a step, the names of the steps that stand for it.
func (d Definition) Fallbacks() map[string]string {
	var of map[string]string
	for _, s := range d.Steps {
		if s.FallbackFor == "" {
			continue
		}
		if of == nil {
			of = map[string]string{}
		}
		of[s.FallbackFor] = s.Name
	}
	return of
}

// validateFallbacks refuses ways round on which something could be done twice, or not undone. The
// order has to be valid.
func (d Definition) validateFallbacks(index map[string]int) error {
	of := d.Fallbacks()
	if of == nil {
		return nil
	}
	behind := d.behindPivots(index)
	for i, s := range d.Steps {
		if s.FallbackFor == "" {
			continue
		}
		if err := d.validateFallback(i, index, of, behind); err != nil {
			return fmt.Errorf("steps[%d].fallback_for: %w", i, err)
		}
	}
	for i, s := range d.Steps {
		for _, p := range d.Predecessors(i) {
			if way := of[p]; way != "" && way != s.Name {
				return fmt.Errorf("steps[%d].after: %q has a fallback: expected %q, which comes behind it", i, p, way)
			}
		}
	}
	return nil
}

func (d Definition) validateFallback(i int, index map[string]int, of map[string]string, behind map[int]bool) error {
	s, before := d.Steps[i], d.Predecessors(i)
	first, ok := index[s.FallbackFor]
	if !ok {
		return fmt.Errorf("no step named %q", s.FallbackFor)
	}
	switch step := d.Steps[first]; {
	case of[step.Name] != s.Name:
		return fmt.Errorf("%q has another fallback, %q: expected one", step.Name, of[step.Name])
	case len(before) != 1 || before[0] != step.Name:
		return fmt.Errorf("%q: expected the one step after which this one comes", step.Name)
	case step.FallbackFor != "":
		return fmt.Errorf("%q is a fallback itself", step.Name)
	case step.Kind != Compensatable || s.Kind != Compensatable:
		return errors.New("expected two compensatable steps: only of those nothing is left when they are given up")
	case step.Compensation == nil:
		return fmt.Errorf("%q has no compensation: it could be done twice", step.Name)
	case behind[first]:
		return fmt.Errorf("%q comes behind a pivot, where nothing is undone any more", step.Name)
	}
	return nil
}

// behindPivots are the steps that come behind a pivot.
func (d Definition) behindPivots(index map[string]int) map[int]bool {
	next := make([][]int, len(d.Steps))
	var todo []int
	for i, s := range d.Steps {
		for _, p := range d.Predecessors(i) {
			next[index[p]] = append(next[index[p]], i)
		}
		if s.Kind == Pivot {
			todo = append(todo, i)
		}
	}
	behind := map[int]bool{}
	for ; len(todo) > 0; todo = todo[1:] {
		for _, j := range next[todo[0]] {
			if !behind[j] {
				behind[j] = true
				todo = append(todo, j)
			}
		}
	}
	return behind
}

// Without is the definition without a step: those that come behind it wait for those before it.
func (d Definition) Without(name string) Definition {
	before := d.Predecessors(d.StepIndex(name))
	var steps []Step
	for i, s := range d.Steps {
		if s.Name == name {
			continue
		}
		if preds := d.Predecessors(i); slices.Contains(preds, name) {
			after := slices.DeleteFunc(slices.Concat(preds, before), func(p string) bool { return p == name })
			slices.Sort(after)
			s.After = append([]string{}, slices.Compact(after)...)
		}
		if s.FallbackFor == name {
			s.FallbackFor = ""
		}
		steps = append(steps, s)
	}
	d.Steps = steps
	return d
}
