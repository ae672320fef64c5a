package reports

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/words"
	"github.com/sagacheck/sagacheck/results"
)

// The names of what is wrong with a run besides its properties.
const (
	runRule   = "run"           // an error outside any cell, or why nothing was proven
	wholeRule = "all-cells-ran" // what was planned and did not run
)

// advised is the verdict of what is never red.
const advised = "advice"

// problem is something in a run that is not green, or advice, as the programs of CI systems show it:
// a text at a place. What a run has not proven is one too: no format takes it for passed.
type problem struct {
	Rule    string // the property, or a name from above
	Verdict string // violation, inconclusive, vacuous, incomplete, error, interrupted or advice
	Key     results.Key
	Also    []string
	Shrunk  string // the smaller plan that that of the key was shrunk to
	Cells   int
	Text    string
	Step    string
	File    string // of the user's, which says what ran; empty: none does
	Line    int
	Known   bool             // the baseline knows all of it
	Failure *results.Failure // with its story, if it was kept
}

// level is how much it weighs: error, warning or note.
func (p problem) level() string {
	switch {
	case p.Known, p.Verdict == advised:
		return "note"
	case p.Verdict == string(checkers.Violation), p.Verdict == string(results.Errored), p.Verdict == results.FailGone:
		return "error"
	}
	return "warning"
}

// kind is what it is, in one word.
func (p problem) kind() string {
	if p.Known {
		return string(results.Accepted)
	}
	return p.Verdict
}

// weight sorts problems, the worst first.
func (p problem) weight() int { return slices.Index([]string{"error", "warning", "note"}, p.level()) }

// title is the problem in a few words.
func (p problem) title() string {
	t := p.Rule
	if p.Key.Scenario != "" {
		t += " in " + p.Key.Scenario
	}
	if kind := p.kind(); kind != string(checkers.Violation) {
		t += " (" + kind + ")"
	}
	return t
}

// place is where a program that wants a file for each problem shows it: in the user's file, or
// else in the replay file or the report, named from the root of their repository.
func (p problem) place(r *results.Run) (file string, line int) {
	switch {
	case p.File != "":
		return p.File, p.Line
	case p.Failure != nil && p.Failure.File != "":
		return results.InRepository(filepath.Join(r.Dir, p.Failure.File)), 1
	}
	return results.InRepository(filepath.Join(r.Dir, results.MarkdownFile)), 1
}

// problems are all of a run, the worst first: findings by their keys, what failed, was left open, is
// not proven or did not run, and advice. A run that is not green has at least one that is more than a note, and one that is
// has none.
func problems(r *results.Run) []problem {
	var all []problem
	if r.Mutants == nil && r.Comparison == nil {
		all = slices.Concat(foundProblems(r), goneProblems(r), openProblems(r), cellProblems(r), runProblems(r))
	}
	if !r.Green() && !slices.ContainsFunc(all, func(p problem) bool { return p.level() != "note" }) {
		for _, reason := range r.Summary.Reasons {
			all = append(all, openProblem(r, runRule, string(r.Summary.Outcome), "", reason))
		}
	}
	all = append(all, adviceProblems(r)...)
	distinguish(all)
	slices.SortStableFunc(all, func(a, b problem) int { return cmp.Compare(a.weight(), b.weight()) })
	return all
}

// distinguish numbers problems whose keys are the same, such as several errors of a run: programs that take the key for a
// fingerprint show only one of those that have the same.
func distinguish(all []problem) {
	seen := map[results.Key]int{}
	for i := range all {
		key := &all[i].Key
		if seen[*key]++; seen[*key] > 1 {
			key.Plan += fmt.Sprintf(" %d", seen[*key])
		}
	}
}

// openProblem is a problem that is no finding: its key has the verdict in the place of a plan.
func openProblem(r *results.Run, rule, verdict, scenario, text string) problem {
	p := problem{Rule: rule, Verdict: verdict, Text: text}
	p.Key = results.Key{Property: rule, Scenario: scenario, Participants: r.Profile, Plan: verdict}
	p.File, p.Line = r.Place(scenario, "")
	return p
}

func foundProblems(r *results.Run) []problem {
	var all []problem
	for _, f := range r.Shown() {
		p := problem{Rule: f.Property, Verdict: string(checkers.Violation), Key: f.Key, Also: f.Also, Cells: f.Cells}
		said, plan := "violated", f.Plan
		if l := r.FailureOf(f); l != nil {
			p.Failure, p.Step, said = l, l.Step, l.Broken
			if p.Shrunk = l.ShrunkTo(); p.Shrunk != "" {
				plan = p.Shrunk + " (shrunk from " + f.Plan + ")"
			}
		}
		p.Text = said + "; smallest plan: " + plan
		if f.Participants != "" {
			p.Text += ", with " + f.Participants + " participants"
		}
		if len(f.Also) > 0 {
			p.Text += "; also breaks " + strings.Join(f.Also, ", ")
		}
		if j, ok := r.StandingOfShown(f); ok {
			p.Known = !j.Failing()
			if s := standingText(j); s != "" {
				p.Text += "; " + s
			}
		}
		p.File, p.Line = r.Place(f.Scenario, p.Step)
		all = append(all, p)
	}
	return all
}

// goneProblems are the findings of the baseline that are gone, if they fail the run.
func goneProblems(r *results.Run) []problem {
	var all []problem
	if r.Gate == nil || !r.Gate.Fails(results.FailGone) {
		return nil
	}
	for _, j := range r.Gate.Findings {
		if j.Standing == results.Gone {
			p := problem{Rule: j.Property, Verdict: results.FailGone, Key: j.Key, Text: "gone: " + j.Plan + ": remove it from " + r.Gate.Baseline}
			p.File, p.Line = r.Place(j.Scenario, "")
			all = append(all, p)
		}
	}
	return all
}

// openProblems are the properties that were left undecided, each in its scenario, and those that the run
// has not proven.
func openProblems(r *results.Run) []problem {
	var all []problem
	for _, res := range r.Results {
		if res.Verdict == checkers.Inconclusive && !res.Advice {
			all = append(all, openProblem(r, res.Property, string(res.Verdict), res.Scenario, res.Reason))
		}
	}
	for _, p := range r.Properties {
		if p.Verdict == checkers.Vacuous && !p.Advice {
			all = append(all, openProblem(r, p.Name, string(p.Verdict), "", "not proven: "+cmp.Or(p.Reason, "never at risk")))
		}
		inconclusive, vacuous := r.BesideKnown(p)
		for _, why := range inconclusive {
			all = append(all, openProblem(r, p.Name, string(checkers.Inconclusive), "", why))
		}
		for _, why := range vacuous {
			all = append(all, openProblem(r, p.Name, string(checkers.Vacuous), "", why))
		}
	}
	return all
}

// cellProblems are the scenarios with cells that failed to run, or whose planned faults missed.
func cellProblems(r *results.Run) []problem {
	var all []problem
	for _, s := range r.Scenarios() {
		if c := junitCells(r, s); c.Error != nil {
			all = append(all, openProblem(r, cellsCase, string(results.Errored), s, c.Error.Message))
		}
		if c := junitFaults(r, s); c.Failure != nil {
			all = append(all, openProblem(r, faultsCase, string(checkers.Vacuous), s, c.Failure.Message))
		}
	}
	return all
}

// runProblems are those of the run as a whole.
func runProblems(r *results.Run) []problem {
	var all []problem
	for _, e := range r.Errors {
		all = append(all, openProblem(r, runRule, string(results.Errored), "", e))
	}
	if r.Interrupted {
		all = append(all, openProblem(r, runRule, string(results.Interrupted), "", "interrupted: only what had run was judged"))
	}
	if why := r.LeftOutReasons(); len(why) > 0 {
		all = append(all, openProblem(r, wholeRule, string(results.Incomplete), "", strings.Join(why, "; ")))
	}
	if why := r.NothingJudged(); why != "" {
		all = append(all, openProblem(r, runRule, string(checkers.Vacuous), "", why))
	}
	return all
}

// adviceProblems is the smallest case of each piece of advice.
func adviceProblems(r *results.Run) []problem {
	var all []problem
	for i := range r.Advice {
		f := &r.Advice[i]
		p := problem{Rule: f.Property, Verdict: advised, Key: r.KeyOf(*f), Step: f.Step, Failure: f}
		if n := len(all); n > 0 && all[n-1].Rule == p.Rule && all[n-1].Key.Scenario == p.Key.Scenario {
			continue
		}
		res, _ := r.Result(f.Property, f.Scenario)
		p.Cells = res.Findings
		p.Text = fmt.Sprintf("%s; %s", f.Broken, words.Plural(res.Findings, "cell"))
		p.File, p.Line = r.Place(f.Scenario, f.Step)
		all = append(all, p)
	}
	return all
}
