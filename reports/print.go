package reports

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/words"
	"github.com/sagacheck/sagacheck/results"
)

// maxBlocks is over how many tables the matrix may be split before it is
// condensed.
const maxBlocks = 2

// Print shows a run on a terminal: the tables, how often each property was at
// risk, each failure as a story, and one summary line.
func Print(t Terminal, r *results.Run) error {
	p := &printer{Terminal: t}
	if err := p.tables(r); err != nil {
		return err
	}
	if len(r.Results) > 0 {
		for _, l := range riskLines(r, t.Clauses) {
			p.hanging("  ", l.Text, l.Tone)
		}
		p.line("")
	}
	p.failures(r)
	p.summary(r)
	_, err := io.WriteString(t.W, p.b.String())
	return err
}

func (p *printer) tables(r *results.Run) error {
	for i, t := range tables(r) {
		parts := t.fit(p.Width)
		if i == 0 && len(r.Results) > 0 && len(parts) > maxBlocks {
			parts = condensed(r).fit(p.Width)
		}
		for _, part := range parts {
			if part.Title != "" {
				p.line(p.bold(part.Title))
			}
			s, err := part.draw(p.Terminal)
			if err != nil {
				return err
			}
			p.b.WriteString(s)
			for _, n := range part.Notes {
				p.hanging("", n, dim)
			}
		}
		p.line("")
	}
	return nil
}

// failures tells the smallest failure of each property, and names the smallest of
// each other scenario. What is known is named in the summary.
func (p *printer) failures(r *results.Run) {
	byProperty := map[string][]results.Failure{}
	for _, g := range groups(r, untold(r)) {
		byProperty[g.Property] = append(byProperty[g.Property], g.Told[0])
	}
	for _, x := range r.Properties {
		list := byProperty[x.Name]
		if len(list) == 0 {
			p.beside(r, x.Name, results.Failure{})
			continue
		}
		told := slices.MinFunc(list, results.CompareFailures)
		p.failure(r, told)
		p.story(told)
		p.afterwards(r, told)
		for _, f := range list {
			if f.Scenario != told.Scenario {
				also := fmt.Sprintf("%s, in %s: %s", f.Scenario, words.Plural(r.Others(f)+1, "cell"), f.Plan)
				p.hanging("      also: ", also, plain)
				if r.Dir != "" {
					p.line("            sagacheck replay " + QuotePath(filepath.Join(r.Dir, f.File)))
				}
			}
		}
		p.line("")
		p.beside(r, x.Name, told)
	}
	for _, c := range r.Cells {
		if c.Error != "" {
			p.hanging(fmt.Sprintf("  cell %s (%s, %s): ", c.ID, c.Scenario, c.Plan), c.Error, bad)
			p.line("")
			break // the summary counts them
		}
	}
}

// beside tells of the properties that are told under one, unless all of it is known. What is worse has its story, if
// what was told before it does not hold all of that.
func (p *printer) beside(r *results.Run, under string, told results.Failure) {
	for _, f := range r.BesideNews() {
		if f.Under != under {
			continue
		}
		p.failure(r, f)
		if checkers.Harm(f.Property) < checkers.Harm(f.Under) && !tells(told, f) { // else the report has it: most of them are consequences
			p.story(f)
		}
		p.afterwards(r, f)
		p.line("")
	}
}

// tells tells whether the story of a failure has all events of that of another.
func tells(told, f results.Failure) bool {
	events := map[int]bool{}
	for _, l := range told.Story.Lines {
		events[l.Seq] = true
	}
	return told.Cell == f.Cell && !slices.ContainsFunc(f.Story.Lines, func(l results.Line) bool { return !events[l.Seq] })
}

// failure is what broke, and under which plan.
func (p *printer) failure(r *results.Run, f results.Failure) {
	mark, tone, title := "✗ ", bad, f.Property+" in "+f.Scenario
	switch {
	case f.Verdict == checkers.Inconclusive:
		mark, tone = "? ", warn
	case flaky(f):
		mark, tone, title = flakyMark+" ", warn, fmt.Sprintf("%s (flaky: %d of %d replays)", title, f.Reproduced.Hits, f.Reproduced.Tries)
	}
	p.line(p.paint(mark, tone) + p.bold(title))
	p.hanging("    broken: ", f.Broken, tone)
	if len(f.Also) > 0 {
		p.hanging("    also breaks: ", strings.Join(f.Also, ", "), tone)
	}
	if f.Under != "" {
		p.hanging("    beside: ", f.Under+", which the same cells broke", plain)
	}
	p.hanging("      plan: ", planLine(f), plain)
}

func (p *printer) story(f results.Failure) {
	for _, l := range storyLines(f.Story) {
		p.hanging("    "+l.head, l.text, l.tone)
	}
}

// afterwards is what may be done about a failure.
func (p *printer) afterwards(r *results.Run, f results.Failure) {
	if others := r.Others(f); others > 0 {
		p.line(p.paint(fmt.Sprintf("      also: %s of %s, see report.md", words.Plural(others, "more cell"), f.Scenario), dim))
	}
	if s := again(r, f); s != "" {
		p.hanging("    again: ", s, plain)
	}
	if len(f.Protected) > 0 {
		p.hanging("   instead: ", protectedText(f.Protected), plain)
	}
	if f.File != "" && r.Dir != "" {
		p.line("    replay: sagacheck replay " + QuotePath(filepath.Join(r.Dir, f.File)))
	}
	if f.Picture != "" && r.Dir != "" {
		p.line("    picture: " + QuotePath(filepath.Join(r.Dir, f.Picture)))
	}
}

func planLine(f results.Failure) string {
	s := f.Plan + " (" + f.PlanID + ", cell " + f.Cell + ")"
	if f.ShrunkFrom != "" {
		s += ", shrunk from: " + f.ShrunkFrom
	}
	return s
}

var stateTones = map[results.State]tone{results.Passed: good, results.Violated: bad, results.Errored: bad, results.Incomplete: warn, results.Inconclusive: warn, results.Vacuous: warn, results.Interrupted: warn, results.Tolerated: warn, results.Stale: bad}

func (p *printer) summary(r *results.Run) {
	for _, reason := range r.Summary.Reasons {
		p.hanging("  - ", reason, stateTones[r.Summary.Outcome])
	}
	for _, said := range r.Untried() {
		p.hanging("  - ", said, plain)
	}
	p.line(p.paint(strings.ToUpper(string(r.Summary.Outcome)), stateTones[r.Summary.Outcome]) + p.text(" · "+Headline(r)))
	if r.Dir != "" {
		p.line("report: " + QuotePath(filepath.Join(r.Dir, "report.md")))
	}
}
