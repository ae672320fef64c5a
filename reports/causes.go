package reports

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"slices"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/words"
	"github.com/sagacheck/sagacheck/results"
)

// cause is what was broken together in a scenario, with the smallest plans that do it: those of which no
// other one is a part. A plan that holds a smaller one is told by that.
type cause struct {
	ID                 string
	Property, Scenario string
	Also               []string
	First              told
	Told               []told // further plans, each with its story
	Listed             []told
	Count              string // of cells
	Class              string
	Tone               tone
	Open, Flaky        bool
	Kinds, Steps       []string // of faults, and those that they and the findings concern
}

// told is a failure with what a reader looks for in it.
type told struct {
	results.Failure
	ID     string
	Faults []string
}

// Properties are all that were broken.
func (c *cause) Properties() []string { return append([]string{c.Property}, c.Also...) }

// plans are all that are told of it.
func (c *cause) plans() []told { return slices.Concat([]told{c.First}, c.Told, c.Listed) }

// causes groups failures that are sorted by property and scenario, the smallest first.
func causes(r *results.Run, list []results.Failure, class string) []*cause {
	var out []*cause
	plans := map[string]int{} // told whole, by property and scenario
	seen := map[string]int{}
	for _, f := range list {
		t := told{Failure: f, ID: findingID(r, f, seen), Faults: textsOf(f.PlanFaults)}
		c := causeOf(out, f)
		if c == nil {
			c = newCause(r, t, class)
			out = append(out, c)
		} else if !c.add(t, plans[f.Property+" "+f.Scenario] < maxTold) {
			continue
		}
		plans[f.Property+" "+f.Scenario]++
		c.Kinds, c.Steps = union(c.Kinds, kindsOf(f.PlanFaults)), union(c.Steps, append(stepsOf(f.PlanFaults), results.StepName(f.Step)))
	}
	if len(out) > 0 {
		out[0].Open = class == ""
	}
	return out
}

func causeOf(all []*cause, f results.Failure) *cause {
	i := slices.IndexFunc(all, func(c *cause) bool {
		return c.Property == f.Property && c.Scenario == f.Scenario && c.First.Verdict == f.Verdict && slices.Equal(c.Also, f.Also)
	})
	if i < 0 {
		return nil
	}
	return all[i]
}

func newCause(r *results.Run, t told, class string) *cause {
	c := &cause{ID: t.ID, Property: t.Property, Scenario: t.Scenario, Also: t.Also, First: t, Class: class, Tone: bad}
	did := "broken"
	switch {
	case t.Verdict == checkers.Inconclusive:
		c.Class, c.Tone, did = "open-question", warn, "left open"
	case flaky(t.Failure):
		c.Tone, c.Flaky = warn, true
	case t.Under != "":
		c.Class, did = "beside", "broken beside "+t.Under
	case class != "":
		c.Tone = warn
	}
	if n := r.Like(t.Failure); n > 1 || t.Under != "" {
		c.Count = fmt.Sprintf("%s in %s of %s", did, words.Plural(n, "cell"), t.Scenario)
	}
	if s := standing(r, t.Failure); s != "" {
		c.Count = join(c.Count, s)
	}
	return c
}

// add takes a further plan, unless it holds one of those that are there.
func (c *cause) add(t told, whole bool) bool {
	for _, o := range c.plans() {
		if !slices.ContainsFunc(o.Faults, func(fault string) bool { return !slices.Contains(t.Faults, fault) }) {
			return false
		}
	}
	if whole {
		c.Told = append(c.Told, t)
	} else {
		c.Listed = append(c.Listed, t)
	}
	return true
}

// findingID is the name of a failure in links: by the key with which it was found, so that it is the same in every run
// that finds it, however far that shrinks its plan.
func findingID(r *results.Run, f results.Failure, seen map[string]int) string {
	sum := sha256.Sum256([]byte(r.FoundAs(f).ID() + "\n" + string(f.Verdict)))
	id := fmt.Sprintf("finding-%s-%s-%x", f.Property, notInLinks.ReplaceAllString(f.Scenario, "-"), sum[:4])
	if seen[id]++; seen[id] > 1 {
		id = fmt.Sprintf("%s-%d", id, seen[id])
	}
	return id
}

// notInLinks is what would have to be escaped in a link.
var notInLinks = regexp.MustCompile(`[^a-zA-Z0-9._-]+`)

// textsOf are the faults of a plan in words.
func textsOf(plan []history.PlannedFault) []string {
	var out []string
	for _, f := range plan {
		out = append(out, f.Text)
	}
	return out
}

// kindsOf are the kinds of faults of a plan.
func kindsOf(plan []history.PlannedFault) []string {
	var out []string
	for _, f := range plan {
		out = append(out, f.Kind)
	}
	return union(nil, out)
}

// stepsOf are the steps that a plan strikes, whichever way they are called.
func stepsOf(plan []history.PlannedFault) []string {
	var out []string
	for _, f := range plan {
		for _, ref := range append([]string{f.At.Step}, f.Steps...) {
			out = append(out, results.StepName(ref))
		}
	}
	return union(nil, out)
}

// union is sorted, and without what is empty.
func union(a, b []string) []string {
	all := slices.Compact(slices.Sorted(slices.Values(slices.Concat(a, b))))
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}
