package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/checkers"
)

// add counts one cell's verdict.
func (r *Result) add(cell string, v checkers.Verdict) {
	outcome := v.Outcome
	switch {
	case outcome == checkers.Violation && r.Advice:
		r.Findings++
		outcome = checkers.Pass // advice is no violation
	case outcome == checkers.Pass && v.AtRisk == 0:
		outcome = checkers.Vacuous
	}
	switch outcome {
	case checkers.Pass:
		r.Cells.Pass++
	case checkers.Violation:
		r.Cells.Violation++
	case checkers.Inconclusive:
		r.Cells.Inconclusive++
	case checkers.NotApplicable:
		r.Cells.NotApplicable++
	default:
		r.Cells.Vacuous++
	}
	counts := slices.Clone(v.Clauses)
	if outcome == checkers.Pass || outcome == checkers.Violation {
		r.AtRisk += v.AtRisk
		r.CellsAtRisk++
	} else {
		for i := range counts {
			counts[i].Held = 0 // what is not green shows nothing that held
		}
	}
	r.Clauses = orEmpty(checkers.JoinCounts(r.Clauses, counts))
	r.explain(cell, outcome, v)
}

// rank orders outcomes as a result of many cells takes them: the first that
// happened in any cell.
func rank(o checkers.Outcome) int {
	return slices.Index([]checkers.Outcome{
		checkers.Violation, checkers.Inconclusive, checkers.Pass, checkers.Vacuous, checkers.NotApplicable, "",
	}, o)
}

// explain keeps the reason of the first cell, by its name, that had the outcome
// that the result will have.
func (r *Result) explain(cell string, outcome checkers.Outcome, v checkers.Verdict) {
	a, b := rank(outcome), rank(r.Verdict)
	if a > b || a == b && compareNatural(cell, r.Example) >= 0 {
		return
	}
	r.Verdict, r.Reason, r.Example = outcome, v.Reason, cell
	switch {
	case outcome == checkers.Pass:
		r.Reason, r.Example = "", ""
	case outcome == checkers.Violation && len(v.Witnesses) > 0:
		r.Reason = v.Witnesses[0].Broken
	}
}

// decide takes the verdict from the counts.
func (r *Result) decide() {
	r.Verdict = r.Cells.outcome()
}

// outcome of many cells: a violation in one is a violation, then inconclusive;
// one real pass makes a pass, whatever was vacuous besides.
func (c Counts) outcome() checkers.Outcome {
	switch {
	case c.Violation > 0:
		return checkers.Violation
	case c.Inconclusive > 0:
		return checkers.Inconclusive
	case c.Pass > 0:
		return checkers.Pass
	case c.Vacuous > 0 || c.NotApplicable == 0:
		return checkers.Vacuous
	}
	return checkers.NotApplicable
}

func (c *Counts) join(o Counts) {
	c.Pass += o.Pass
	c.Violation += o.Violation
	c.Beside += o.Beside
	c.Inconclusive += o.Inconclusive
	c.Vacuous += o.Vacuous
	c.NotApplicable += o.NotApplicable
}

// Judge sorts the run and decides its verdict and exit code again, as Finish
// did: call it after a section (Mutants, Comparison) was set or failures changed.
func (r *Run) Judge() {
	r.sort()
	r.judge()
}

// judge decides the properties and the run from results and totals. A run is
// green only if every planned cell ran, nothing was violated, inconclusive or in
// error, every planned fault of every cell fired (but for probes), every clause of
// every property that is not advice was judged at least once, or is not applicable
// for a reason, at least one such property was judged at all, and the system under
// test called somebody. A
// kill matrix is green if every defect was killed by its own checker and every
// equivalent switch stayed green; a comparison if all engines ran and it is
// complete, whatever it shows, unless it is strict. An interrupted run is never green; else a violation weighs more than an error,
// and an error more than what is unproven.
func (r *Run) judge() {
	r.judgeProperties()
	s := &r.Summary
	s.Reasons = nil
	violated, errored := r.violatedReasons(), r.errorReasons()
	incomplete := r.leftOutReasons()
	inconclusive, vacuous := r.unprovenReasons()
	switch {
	case r.Mutants != nil: // its cells are meant to be red
		violated, inconclusive, vacuous = r.Mutants.reasons(), nil, nil
		incomplete = append(incomplete, r.Mutants.unfinished()...)
	case r.Comparison != nil:
		var failed []string
		violated, failed, inconclusive, vacuous = r.Comparison.judge()
		errored = append(errored, failed...)
	}
	unreached := r.unreached()
	vacuous = slices.Concat(unreached, vacuous)
	s.Reasons = slices.Concat(unreached, violated, errored, incomplete, inconclusive, vacuous[len(unreached):])
	switch {
	case r.Interrupted:
		s.Outcome, s.Exit = Interrupted, ExitInterrupted
		s.Reasons = append([]string{"interrupted: only what had run was judged"}, s.Reasons...)
	case len(violated) > 0:
		s.Outcome, s.Exit = Violated, ExitViolation
	case len(errored) > 0:
		s.Outcome, s.Exit = Errored, ExitSystem
	case len(incomplete) > 0:
		s.Outcome, s.Exit = Incomplete, ExitUnproven
	case len(inconclusive) > 0:
		s.Outcome, s.Exit = Inconclusive, ExitUnproven
	case len(vacuous) > 0:
		s.Outcome, s.Exit = Vacuous, ExitUnproven
	default:
		s.Outcome, s.Exit = Passed, ExitPass
	}
}

func (r *Run) judgeProperties() {
	byName := map[string][]Result{}
	for _, res := range r.Results {
		byName[res.Property] = append(byName[res.Property], res)
		if !slices.ContainsFunc(r.Properties, func(p Property) bool { return p.Name == res.Property }) {
			r.Properties = append(r.Properties, Property{Name: res.Property, Advice: res.Advice})
		}
	}
	for i := range r.Properties {
		p := &r.Properties[i]
		p.AtRisk, p.CellsAtRisk, p.Cells, p.Findings, p.Reason, p.Clauses = 0, 0, 0, 0, "", []checkers.Count{}
		var counts Counts
		for _, res := range byName[p.Name] {
			counts.join(res.Cells)
			p.AtRisk += res.AtRisk
			p.CellsAtRisk += res.CellsAtRisk
			p.Findings += res.Findings
			p.Clauses = checkers.JoinCounts(p.Clauses, res.Clauses)
		}
		p.Cells, p.Verdict = counts.Total(), counts.outcome()
		if j := slices.IndexFunc(byName[p.Name], func(x Result) bool { return x.Verdict == p.Verdict && x.Reason != "" }); j >= 0 {
			p.Reason = byName[p.Name][j].Reason
		}
		switch {
		case p.Cells == 0:
			p.Reason = "no cell was judged"
		case p.Verdict == checkers.NotApplicable && p.Reason == "":
			p.Verdict, p.Reason = checkers.Vacuous, "not applicable, but no reason was given"
		case p.Verdict == checkers.Pass:
			if why := p.open(r.Clause); why != "" {
				p.Verdict, p.Reason = checkers.Vacuous, why
			}
		}
	}
}

// open says which clauses are applicable and were judged in no cell; empty: none.
// A promise that nobody has looked at is not kept. A replay asks for one clause only.
func (p Property) open(only string) string {
	var names []string
	applicable := 0
	for _, c := range p.Clauses {
		if c.Lacks != "" {
			continue
		}
		applicable++
		if !c.Open() || only != "" && c.Clause != only {
			continue
		}
		name := c.Clause
		if c.Unjudgeable > 0 {
			name += fmt.Sprintf(" (could not be %s: %s)", times(c.Unjudgeable), c.Why)
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("%d of its %s judged in no cell: %s", len(names), plural(applicable, "clause"), strings.Join(names, ", "))
}

// violatedReasons names each property that was violated: first those under which a
// cause is told, then those that the same causes broke besides.
func (r *Run) violatedReasons() []string {
	var out, besides []string
	for _, p := range r.Properties {
		if p.Verdict != checkers.Violation || p.Advice {
			continue
		}
		var n Counts
		for _, res := range r.Results {
			if res.Property == p.Name {
				n.join(res.Cells)
			}
		}
		if n.Beside == n.Violation {
			besides = append(besides, fmt.Sprintf("%s in %s", p.Name, plural(n.Violation, "cell")))
		} else {
			out = append(out, fmt.Sprintf("%s was violated in %s", p.Name, plural(n.Violation, "cell")))
		}
	}
	if len(besides) > 0 {
		out = append(out, "the same causes also broke "+strings.Join(besides, ", "))
	}
	return out
}

func (r *Run) errorReasons() []string {
	out := slices.Clone(r.Errors)
	if n := r.Totals.Errors; n > 0 {
		why := plural(n, "cell") + " failed to run"
		if i := slices.IndexFunc(r.Cells, func(c Cell) bool { return c.Error != "" }); i >= 0 {
			why += fmt.Sprintf(", the first (%s): %s", r.Cells[i].ID, r.Cells[i].Error)
		}
		out = append(out, why)
	}
	return out
}

func (r *Run) unprovenReasons() (inconclusive, vacuous []string) {
	if r.Totals.Cells == 0 && len(r.Errors) == 0 {
		vacuous = append(vacuous, "no cell was judged")
	}
	if n := r.Totals.Vacuous; n > 0 {
		why := "a planned fault did not fire in " + plural(n, "cell")
		if i := slices.IndexFunc(r.Cells, func(c Cell) bool { return c.Verdict == checkers.Vacuous }); i >= 0 {
			why += fmt.Sprintf(", the first (%s): %s", r.Cells[i].ID, strings.Join(r.Cells[i].Unfired, ", "))
		}
		vacuous = append(vacuous, why)
	}
	if why := r.nothingJudged(); why != "" {
		vacuous = append(vacuous, why)
	}
	for _, p := range r.Properties {
		switch {
		case p.Advice:
		case p.Verdict == checkers.Inconclusive:
			inconclusive = append(inconclusive, p.Name+" is inconclusive: "+cmp.Or(p.Reason, "no reason was given"))
		case p.Verdict == checkers.Vacuous && r.Totals.Cells > 0:
			vacuous = append(vacuous, p.Name+unproven(p)+cmp.Or(p.Reason, "no reason was given"))
		}
	}
	return inconclusive, vacuous
}

// nothingJudged says why a run has shown nothing although no property is open:
// all that was selected is advice, or not applicable. Empty: something was judged.
func (r *Run) nothingJudged() string {
	if r.Totals.Cells == 0 {
		return ""
	}
	var whys []string
	for _, p := range r.Properties {
		switch {
		case p.Advice:
		case p.Verdict == checkers.NotApplicable:
			whys = append(whys, p.Name+": "+p.Reason)
		default:
			return ""
		}
	}
	if len(whys) == 0 {
		return "nothing was judged: only advice was selected, which is never red"
	}
	return "nothing was judged: no selected property is applicable: " + strings.Join(whys, "; ")
}

// unproven tells a property that was never at risk from one of which a part was not.
func unproven(p Property) string {
	if p.CellsAtRisk > 0 {
		return " is not proven: "
	}
	return " was never at risk: "
}

// sort gives a run one order whatever the order in which its cells ended.
func (r *Run) sort() {
	order := map[string]int{}
	for i, p := range r.Properties {
		order[p.Name] = i - len(r.Properties) // the unknown come last
	}
	slices.SortFunc(r.Results, func(a, b Result) int {
		return cmp.Or(cmp.Compare(order[a.Property], order[b.Property]), cmp.Compare(a.Property, b.Property), cmp.Compare(a.Scenario, b.Scenario))
	})
	for _, list := range [][]Failure{r.Failures, r.Advice} {
		slices.SortFunc(list, func(a, b Failure) int {
			return cmp.Or(cmp.Compare(order[a.Property], order[b.Property]), cmp.Compare(a.Property, b.Property),
				cmp.Compare(a.Scenario, b.Scenario), compareFailures(a, b))
		})
	}
	nameFiles(r.Failures)
	slices.SortFunc(r.Cells, func(a, b Cell) int {
		return cmp.Or(compareNatural(a.ID, b.ID), cmp.Compare(a.Scenario, b.Scenario), cmp.Compare(a.PlanID, b.PlanID))
	})
	r.Results, r.Failures, r.Cells, r.Properties = orEmpty(r.Results), orEmpty(r.Failures), orEmpty(r.Cells), orEmpty(r.Properties)
}

// orEmpty makes a list that JSON writes as [] and not as null.
func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// scenarios are the names in the order of the report.
func (r *Run) scenarios() []string {
	var out []string
	for _, res := range r.Results {
		out = append(out, res.Scenario)
	}
	for _, c := range r.Cells {
		out = append(out, c.Scenario)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (r *Run) result(property, scenario string) (Result, bool) {
	i := slices.IndexFunc(r.Results, func(x Result) bool { return x.Property == property && x.Scenario == scenario })
	if i < 0 {
		return Result{}, false
	}
	return r.Results[i], true
}

func plural(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "ch"):
		return fmt.Sprintf("%d %ses", n, noun)
	case strings.HasSuffix(noun, "ly"), strings.HasSuffix(noun, "ry"):
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(noun, "y"))
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// compareNatural orders "c2" before "c10".
func compareNatural(a, b string) int {
	for a != "" && b != "" {
		x, y := leading(a), leading(b)
		if c := cmp.Or(compareChunk(x, y), cmp.Compare(x, y)); c != 0 {
			return c
		}
		a, b = a[len(x):], b[len(y):]
	}
	return cmp.Compare(len(a), len(b))
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// leading is the first run of digits, or of anything else.
func leading(s string) string {
	i := 1
	for i < len(s) && isDigit(s[i]) == isDigit(s[0]) {
		i++
	}
	return s[:i]
}

func compareChunk(x, y string) int {
	if !isDigit(x[0]) || !isDigit(y[0]) {
		return 0
	}
	x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
	return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y))
}
