package reports

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/words"
	"github.com/sagacheck/sagacheck/results"
)

// The test cases of a scenario besides its properties.
const (
	cellsCase  = "cells-ran"           // an error: a cell had no verdict
	faultsCase = "planned-faults-fire" // a failure: a cell is vacuous
)

// outcomeCase is one of a run that is not green for what belongs to no other case, such as an engine that did not start.
const outcomeCase = "outcome"

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name      string      `xml:"name,attr"`
	Tests     int         `xml:"tests,attr"`
	Failures  int         `xml:"failures,attr"`
	Errors    int         `xml:"errors,attr"`
	Skipped   int         `xml:"skipped,attr"`
	Time      string      `xml:"time,attr"`
	Timestamp string      `xml:"timestamp,attr"`
	Cases     []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitProblem `xml:"failure"`
	Error   *junitProblem `xml:"error"`
	Skipped *junitProblem `xml:"skipped"`
	Out     *junitText    `xml:"system-out"`
}

type junitProblem struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",cdata"`
}

type junitText struct {
	Text string `xml:",cdata"`
}

// xmlText replaces the characters that XML can't carry, not even in CDATA.
func xmlText(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r >= 0x20 && r != 0xFFFE && r != 0xFFFF {
			return r
		}
		return '\uFFFD'
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// JUnit writes junit.xml: a suite is a scenario, a case a property. What
// makes the run not green is a failure (of type violation, inconclusive or
// vacuous, also where a clause was judged nowhere) or an error; what the baseline knows is skipped, with
// what it says of it; a property that was at risk in another scenario, or is
// not applicable, is skipped here with the reason. Two more cases a scenario say
// whether its cells ran and its planned faults fired.
func JUnit(w io.Writer, r *results.Run) error {
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(junitOf(r)); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// junitOf is the run as suites of test cases.
func junitOf(r *results.Run) junitSuites {
	all := junitSuites{Name: "sagacheck " + r.Command, Time: junitTime(r.DurationMS)}
	for _, s := range r.Scenarios() {
		all.Suites = append(all.Suites, suiteOf(r, s))
	}
	if whole := junitWhole(r); len(whole.Cases) > 0 {
		all.Suites = append(all.Suites, whole)
	}
	all.count(r)
	if all.Failures+all.Errors == 0 && !r.Green() {
		why := &junitProblem{Message: strings.Join(r.Summary.Reasons, "; "), Type: string(r.Summary.Outcome)}
		all.Suites = append(all.Suites, junitSuite{Name: "run", Time: "0", Cases: []junitCase{{Name: outcomeCase, Class: "run", Time: "0", Failure: why}}})
		all.count(r)
	}
	return all
}

// count counts the cases of all suites, and says when these were.
func (all *junitSuites) count(r *results.Run) {
	all.Tests, all.Failures, all.Errors, all.Skipped = 0, 0, 0, 0
	for i := range all.Suites {
		s := &all.Suites[i]
		s.Timestamp = r.Started.UTC().Format("2006-01-02T15:04:05")
		s.count()
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Errors += s.Errors
		all.Skipped += s.Skipped
	}
}

// count counts the cases, and cleans their texts.
func (s *junitSuite) count() {
	s.Tests, s.Failures, s.Errors, s.Skipped = 0, 0, 0, 0
	for i := range s.Cases {
		c := &s.Cases[i]
		s.Tests++
		for _, p := range []*junitProblem{c.Failure, c.Error, c.Skipped} {
			if p != nil {
				p.Text = xmlText(p.Text)
			}
		}
		if c.Out != nil {
			c.Out.Text = xmlText(c.Out.Text)
		}
		switch {
		case c.Failure != nil:
			s.Failures++
		case c.Error != nil:
			s.Errors++
		case c.Skipped != nil:
			s.Skipped++
		}
	}
}

func suiteOf(r *results.Run, scenario string) junitSuite {
	var ms int64
	for _, c := range r.Cells {
		if c.Scenario == scenario {
			ms += c.DurationMS
		}
	}
	s := junitSuite{Name: scenario, Time: junitTime(ms)}
	s.Cases = append(s.Cases, junitCells(r, scenario), junitFaults(r, scenario))
	for _, p := range r.Properties {
		if res, ok := r.Result(p.Name, scenario); ok {
			s.Cases = append(s.Cases, junitProperty(r, p, res))
		}
	}
	return s
}

func junitProperty(r *results.Run, p results.Property, res results.Result) junitCase {
	c := junitCase{Name: p.Name, Class: res.Scenario, Time: "0"}
	switch {
	case res.Verdict == checkers.Violation, res.Verdict == checkers.Inconclusive:
		problem := &junitProblem{Message: res.Reason, Type: string(res.Verdict), Text: junitStories(r, r.Failures, res)}
		switch known := junitKnown(r, res); {
		case p.Advice:
			c.Out = &junitText{problem.Message + "\n" + problem.Text}
		case known == "":
			c.Failure = problem
			problem.Type = junitType(r, res)
		case res.Cells.Inconclusive > 0:
			c.Failure = &junitProblem{Message: known + "; beside it inconclusive in " + words.Plural(res.Cells.Inconclusive, "cell"), Type: string(checkers.Inconclusive), Text: problem.Text}
		case res.OpenWith(p, r.Clause) != "":
			c.Failure = &junitProblem{Message: known + "; beside it not proven: " + res.OpenWith(p, r.Clause), Type: string(checkers.Vacuous), Text: problem.Text}
		default:
			c.Skipped = &junitProblem{Message: known, Text: problem.Text}
		}
	case res.Verdict == checkers.Vacuous && p.Verdict == checkers.Vacuous && p.CellsAtRisk == 0 && !p.Advice:
		c.Failure = &junitProblem{Message: "never at risk: " + res.Reason, Type: string(res.Verdict)}
	case !p.Advice && res.Verdict == checkers.Pass && res.OpenWith(p, r.Clause) != "":
		c.Failure = &junitProblem{Message: "not proven: " + res.OpenWith(p, r.Clause), Type: string(checkers.Vacuous), Text: knownTexts(r, res) + clauseText(res)}
	case res.Verdict == checkers.Vacuous:
		c.Skipped = &junitProblem{Message: "never at risk in this scenario: " + res.Reason}
	case res.Verdict == checkers.NotApplicable:
		c.Skipped = &junitProblem{Message: "not applicable: " + res.Reason}
	default:
		c.Out = &junitText{fmt.Sprintf("at risk %s in %s\n", words.Times(res.AtRisk), words.Plural(res.CellsAtRisk, "cell")) + clauseText(res)}
		c.Out.Text += knownTexts(r, res)
		if res.Findings > 0 {
			c.Out.Text += fmt.Sprintf("advice: %s\n%s", words.Plural(res.Findings, "finding"), junitStories(r, r.Advice, res))
		}
	}
	return c
}

// clauseText has a line for each clause, if there is more than one.
func clauseText(r results.Result) string {
	if len(r.Clauses) < 2 {
		return ""
	}
	var b strings.Builder
	for _, k := range r.Clauses {
		b.WriteString(clauseLine(k).Text + "\n")
	}
	return b.String()
}

// junitStories tells the smallest failure and names the other cells.
func junitStories(r *results.Run, list []results.Failure, res results.Result) string {
	var b strings.Builder
	n := 0
	for _, f := range list {
		if f.Scenario == res.Scenario && slices.Contains(f.Also, res.Property) {
			fmt.Fprintf(&b, "by the same cause as %s: cell %s, plan: %s\n", f.Property, f.Cell, f.Plan)
		}
		if f.Property != res.Property || f.Scenario != res.Scenario {
			continue
		}
		if n++; n > 1 {
			fmt.Fprintf(&b, "also: cell %s, plan: %s\n", f.Cell, f.Plan)
			continue
		}
		fmt.Fprintf(&b, "%s\n", f.Broken)
		if len(f.Also) > 0 {
			fmt.Fprintf(&b, "also breaks: %s\n", strings.Join(f.Also, ", "))
		}
		if s := join(standing(r, f), again(r, f)); s != "" {
			fmt.Fprintf(&b, "%s\n", s)
		}
		fmt.Fprintf(&b, "plan: %s\n%s", planLine(f), StoryText(f.Story))
		if f.File != "" {
			fmt.Fprintf(&b, "replay, in the folder of this file: sagacheck replay %s\n", QuotePath(f.File))
		}
	}
	return b.String()
}

func junitCells(r *results.Run, scenario string) junitCase {
	c := junitCase{Name: cellsCase, Class: scenario, Time: "0"}
	n := 0
	for _, x := range r.Cells {
		if x.Scenario != scenario || x.Error == "" {
			continue
		}
		if n++; c.Error == nil {
			c.Error = &junitProblem{Message: x.Error, Type: "error"}
		}
		c.Error.Text += fmt.Sprintf("cell %s, plan: %s: %s\n", x.ID, x.Plan, x.Error)
	}
	if n > 1 {
		c.Error.Message = fmt.Sprintf("%s failed to run, the first: %s", words.Plural(n, "cell"), c.Error.Message)
	}
	return c
}

func junitFaults(r *results.Run, scenario string) junitCase {
	c := junitCase{Name: faultsCase, Class: scenario, Time: "0"}
	n := 0
	for _, x := range r.Cells {
		if x.Scenario != scenario || x.Verdict != checkers.Vacuous { // not a first try, nor a probe: these may miss
			continue
		}
		if n++; c.Failure == nil {
			c.Failure = &junitProblem{Type: string(checkers.Vacuous)}
		}
		c.Failure.Text += fmt.Sprintf("cell %s: did not fire: %s\n", x.ID, x.Missing())
		c.Failure.Message = "a planned fault did not fire in " + words.Plural(n, "cell")
	}
	return c
}

// junitWhole is what belongs to no scenario.
func junitWhole(r *results.Run) junitSuite {
	s := junitSuite{Name: "run", Time: "0"}
	add := func(c junitCase) {
		c.Class, c.Time = s.Name, "0"
		s.Cases = append(s.Cases, c)
	}
	s.Cases = append(s.Cases, junitGone(r)...)
	for i, e := range r.Errors {
		add(junitCase{Name: fmt.Sprintf("error-%d", i+1), Error: &junitProblem{Message: e, Type: "error"}})
	}
	if r.Interrupted {
		add(junitCase{Name: "not-interrupted", Error: &junitProblem{Message: "interrupted: only what had run was judged", Type: "interrupted"}})
	}
	if unrun := r.LeftOutReasons(); len(unrun) > 0 && r.Mutants == nil {
		add(junitCase{Name: "all-cells-ran", Failure: &junitProblem{Message: strings.Join(unrun, "; "), Type: string(results.Incomplete)}})
	}
	if why := r.NothingJudged(); why != "" && r.Mutants == nil && r.Comparison == nil {
		add(junitCase{Name: "something-judged", Failure: &junitProblem{Message: why, Type: string(checkers.Vacuous)}})
	}
	if r.Totals.Cells == 0 && r.Mutants == nil && r.Comparison == nil {
		add(junitCase{Name: "cells-judged", Failure: &junitProblem{Message: "no cell was judged", Type: string(checkers.Vacuous)}})
	}
	for _, p := range r.Properties {
		if p.Cells == 0 && r.Totals.Cells > 0 && p.Verdict == checkers.Vacuous && !p.Advice {
			add(junitCase{Name: p.Name, Failure: &junitProblem{Message: "no cell was judged", Type: string(checkers.Vacuous)}})
		}
	}
	if r.Mutants != nil {
		for _, c := range junitDefects(r.Mutants) {
			add(c)
		}
	}
	return s
}

func junitTime(ms int64) string {
	return fmt.Sprintf("%.3f", (time.Duration(ms) * time.Millisecond).Seconds())
}
