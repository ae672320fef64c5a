package results

import (
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/checkers"
)

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
// and an error more than what is unproven. Of a run that was held against a baseline only what that does
// not know is violated, and what was to fail it beside that, its gate says.
func (r *Run) judge() {
	r.judgeProperties()
	s := &r.Summary
	s.Reasons = nil
	violated, errored := r.violatedReasons(), r.errorReasons()
	incomplete := r.LeftOutReasons()
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
	s.Reasons = slices.Concat(unreached, violated, errored, incomplete, inconclusive, vacuous[len(unreached):], r.Gate.known(), r.Gate.gone(), r.Gate.untried())
	kinds := []reasons{
		{Violated, ExitViolation, violated, r.violationFails()},
		{Errored, ExitSystem, errored, true},
		{Incomplete, ExitUnproven, incomplete, r.Gate.Fails(FailIncomplete)},
		{Inconclusive, ExitUnproven, inconclusive, r.Gate.Fails(FailInconclusive)},
		{Vacuous, ExitUnproven, vacuous, r.Gate.Fails(FailVacuous)},
	}
	if r.Gate.Fails(FailGone) {
		kinds = append(kinds, reasons{Stale, ExitViolation, r.Gate.gone(), true})
	}
	s.decide(append(kinds, reasons{Tolerated, ExitPass, r.Gate.known(), false}))
	if s.Exit == ExitPass && !r.Green() && !r.Interrupted {
		s.Reasons = append(s.Reasons, "this does not fail the run: --fail-on "+strings.Join(r.Gate.FailOn, ","))
	}
	if r.Interrupted {
		s.Outcome, s.Exit = Interrupted, ExitInterrupted
		s.Reasons = append([]string{"interrupted: only what had run was judged"}, s.Reasons...)
	}
}

// reasons are why a run is not a pass, of one sort.
type reasons struct {
	outcome State
	exit    int
	why     []string
	fails   bool // else they change what the run is called, and not its exit code
}

// decide takes the outcome from the first sort of which there are any, and the exit code from the first
// that fails.
func (s *Summary) decide(kinds []reasons) {
	s.Outcome, s.Exit = Passed, ExitPass
	for _, k := range kinds {
		if len(k.why) == 0 {
			continue
		}
		if s.Outcome == Passed {
			s.Outcome = k.outcome
		}
		if s.Exit == ExitPass && k.fails {
			s.Exit = k.exit
		}
	}
}

// Green tells whether nothing is wrong with a run that is not known: it passed, or the baseline knows all of it. What
// --fail-on let through is not green, though it exits 0.
func (r *Run) Green() bool { return r.Summary.Outcome == Passed || r.Summary.Outcome == Tolerated }

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
		if r.System.By == ByWorkflow {
			p.leaveUnmet()
		}
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
