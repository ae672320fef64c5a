package saga

import "slices"

// Bypass takes a step out of the way of others: what comes after it comes after what it came after.
// A name that is none changes nothing.
func Bypass(steps []Step, name string) []Step {
	i := slices.IndexFunc(steps, func(s Step) bool { return s.Name == name })
	if i < 0 {
		return steps
	}
	steps = slices.Clone(steps)
	for j := range steps {
		if k := slices.Index(steps[j].After, name); k >= 0 {
			after := slices.Concat(steps[j].After[:k], steps[i].After, steps[j].After[k+1:])
			steps[j].After = append([]string{}, after...) // no list would be "the step before it"
		}
	}
	return steps
}
