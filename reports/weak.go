package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/results"
)

// mostWeak is how many steps are ranked.
const mostWeak = 20

// weakStep is a step at which something was broken.
type weakStep struct {
	Step, Scenario string
	Findings       int      // properties that were broken at it by a cause of their own
	Plans          int      // the smallest ones that do it
	Properties     []string // with those that were broken beside
	First          told     // the smallest of all
	Prevented      []string // what prevents it
	Shown          []string // protections of participants that were shown to
}

// weakest ranks the steps by what was found at them: the step of the witness, or, where it names none, those
// that the plan strikes.
func weakest(found []*cause) []*weakStep {
	prevented := preventions()
	var out []*weakStep
	at := func(step, scenario string, t told) *weakStep {
		i := slices.IndexFunc(out, func(w *weakStep) bool { return w.Step == step && w.Scenario == scenario })
		if i < 0 {
			i = len(out)
			out = append(out, &weakStep{Step: step, Scenario: scenario, First: t})
		}
		return out[i]
	}
	for _, c := range found {
		if c.Class != "" { // left open, or advice
			continue
		}
		here := map[*weakStep]bool{}
		for _, t := range c.plans() {
			steps := []string{results.StepName(t.Step)}
			if t.Step == "" {
				steps = stepsOf(t.PlanFaults)
			}
			for _, step := range steps {
				w := at(step, c.Scenario, t)
				if w.Plans++; !here[w] {
					here[w] = true
					w.Findings++
				}
				if results.CompareFailures(t.Failure, w.First.Failure) < 0 {
					w.First = t
				}
				w.Properties = union(w.Properties, c.Properties())
				w.protect(shownToPrevent(t))
				w.Prevented = union(w.Prevented, []string{prevented[c.Property]})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b *weakStep) int {
		return cmp.Or(cmp.Compare(b.Findings, a.Findings), cmp.Compare(b.Plans, a.Plans), cmp.Compare(a.Step, b.Step))
	})
	return out[:min(len(out), mostWeak)]
}

// preventions are the practices that prevent what breaks each property.
var preventions = sync.OnceValue(func() map[string]string {
	out := map[string]string{}
	for _, c := range checkers.All() {
		d := c.Doc()
		out[d.Name] = d.Prevented
	}
	return out
})

// protectedText is which protection prevents a failure, as it was shown.
func protectedText(list []results.Protection) string {
	var parts []string
	for _, p := range list {
		parts = append(parts, fmt.Sprintf("with %s participants it broke in %d of %d replays", p.Participants, p.Broken.Hits, p.Broken.Tries))
	}
	return strings.Join(parts, ", ")
}

// protect notes the least protection that was shown to prevent one of its plans: what is shown of
// the step has to hold for all of them.
func (w *weakStep) protect(by string) {
	switch {
	case w.Plans == 1 && by != "":
		w.Shown = []string{by}
	case by == "" || !slices.Contains(w.Shown, by):
		w.Shown = nil
	}
}

// shownToPrevent is the least protection with which a plan never broke the property; empty: none was shown.
func shownToPrevent(t told) string {
	for _, p := range t.Protected {
		if p.Broken.Hits == 0 {
			return p.Participants
		}
	}
	return ""
}

// stronger is the strongest protection that participants can be given; empty: these have it, or what they do
// is not ours to choose.
func stronger(t told) string {
	if t.File == "" || t.Replay == nil || t.Replay.Profile == "fenced" || t.Story.Runner != "" {
		return ""
	}
	return "fenced"
}
