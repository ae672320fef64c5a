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
		p.beside(r, x.Name)
		list := byProperty[x.Name]
		if len(list) == 0 {
			continue
		}
		told := slices.MinFunc(list, results.CompareFailures)
		p.failure(r, told)
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
	}
	for _, c := range r.Cells {
		if c.Error != "" {
			p.hanging(fmt.Sprintf("  cell %s (%s, %s): ", c.ID, c.Scenario, c.Plan), c.Error, bad)
			p.line("")
			break // the summary counts them
		}
	}
}

// beside tells of a property of which no violation is told by itself, unless all of it is known.
func (p *printer) beside(r *results.Run, property string) {
	for _, f := range r.BesideNews() {
		if f.Property == property {
			p.failure(r, f)
			p.line("")
		}
	}
}

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
	for _, l := range storyLines(f.Story) {
		if f.Under == "" || checkers.Harm(f.Property) < checkers.Harm(f.Under) { // else the report has it: most of them are consequences
			p.hanging("    "+l.head, l.text, l.tone)
		}
	}
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
