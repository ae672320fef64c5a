package campaign

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/planning"
	"github.com/sagacheck/sagacheck/results"
)

// exploreTally counts what became of the plans of an exploration.
type exploreTally struct {
	runs    map[string]int // scenario → plans that ran
	marked  map[string]int // scenario → plans handed out although a rule leaves them out
	kept    int            // plans that ran and no rule leaves out
	pruned  int            // plans that ran in an audit only
	reasons []results.NotRun
	found   map[finding]*audited
}

// audited is where a finding was made.
type audited struct {
	kept bool   // by a plan that no rule leaves out
	plan string // the first one, in words
}

func newTally() exploreTally {
	return exploreTally{runs: map[string]int{}, marked: map[string]int{}, found: map[finding]*audited{}}
}

// examplesKept is how many plans are named for each reason of not running.
const examplesKept = 5

// leave counts a plan that is not run.
func (t *exploreTally) leave(p *planning.Probe, reason string) {
	i := slices.IndexFunc(t.reasons, func(n results.NotRun) bool { return n.Reason == reason })
	if i < 0 {
		i = len(t.reasons)
		t.reasons = append(t.reasons, results.NotRun{Reason: reason})
	}
	n := &t.reasons[i]
	n.Plans++
	if len(n.Examples) < examplesKept {
		n.Examples = append(n.Examples, p.Space+": "+p.Plan.String())
	}
	if p.Pruned != "" {
		t.marked[p.Space]++
	}
}

// ran counts a plan that has run.
func (t *exploreTally) ran(p *planning.Probe) {
	t.runs[p.Space]++
	if p.Pruned != "" {
		t.marked[p.Space]++
		t.pruned++
		return
	}
	t.kept++
}

// cut tells that a budget or an interruption has left plans out.
func (t *exploreTally) cut() bool {
	return slices.ContainsFunc(t.reasons, func(n results.NotRun) bool { return n.Reason != results.OtherShard })
}

// find notes the findings of a run.
func (t *exploreTally) find(p *planning.Probe, verdicts []checkers.Verdict) {
	for _, v := range verdicts {
		if v.Outcome != checkers.Violation {
			continue
		}
		k := finding{v.Property, p.Space}
		if t.found[k] == nil {
			t.found[k] = &audited{plan: p.Plan.String()}
		}
		t.found[k].kept = t.found[k].kept || p.Pruned == ""
	}
}

// lost lists the findings that only plans made that the rules leave out.
func (t *exploreTally) lost() []string {
	var lost []string
	for k, a := range t.found {
		if !a.kept {
			lost = append(lost, fmt.Sprintf("%s (%s)", k, a.plan))
		}
	}
	slices.Sort(lost)
	return lost
}

// coverage is the section of the report.
func (e *exploration) coverage() *results.Coverage {
	c := &results.Coverage{Depth: e.options.Depth, Points: []results.PointCount{}, Plans: []results.PlanCount{}, NotRun: e.tally.reasons}
	raced := results.NotRun{Reason: fmt.Sprintf("the point was passed once, but in %d tries to strike there not again: a race decides", probeTries)}
	for _, p := range e.explorer.Cover() {
		c.Points = append(c.Points, results.NewPointCount(p.Space, p.Phase, p.Kind, p.Hit, p.Missed))
		for _, place := range p.Raced {
			raced.Plans++
			if len(raced.Examples) < examplesKept {
				raced.Examples = append(raced.Examples, p.Space+": "+p.Kind+" "+place)
			}
		}
	}
	if raced.Plans > 0 {
		c.NotRun = append(c.NotRun, raced)
	}
	rules := map[string]int{}
	counts := e.explorer.Counts()
	for _, s := range e.subjects() {
		n := counts[s.Name]
		plan := results.PlanCount{
			Scenario: s.Name, Raw: n.Raw, Pruned: n.Total() - e.tally.marked[s.Name], Run: e.tally.runs[s.Name],
		}
		plan.NotRun = max(0, plan.Raw-plan.Pruned-plan.Run)
		c.Plans = append(c.Plans, plan)
		for rule, k := range n.Pruned {
			rules[rule] += k
		}
	}
	for _, r := range planning.Rules() {
		if rules[r.Name] > 0 {
			c.Rules = append(c.Rules, results.RuleCount{Rule: r.Name, Plans: rules[r.Name]})
		}
	}
	slices.SortFunc(c.NotRun, func(a, b results.NotRun) int { return cmp.Compare(a.Reason, b.Reason) })
	return c
}
