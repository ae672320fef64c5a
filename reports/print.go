package reports

import (
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
)

// maxBlocks is over how many tables the matrix may be split before it is
// condensed.
const maxBlocks = 2

// Print shows a run on a terminal: the tables, how often each property was at
// risk, each failure as a story, and one summary line.
func (r *Run) Print(t Terminal) error {
	p := &printer{Terminal: t}
	if err := p.tables(r); err != nil {
		return err
	}
	if len(r.Results) > 0 {
		for _, l := range r.riskLines(t.Clauses) {
			p.hanging("  ", l.Text, l.Tone)
		}
		p.line("")
	}
	p.failures(r)
	p.summary(r)
	_, err := io.WriteString(t.W, p.b.String())
	return err
}

func (p *printer) tables(r *Run) error {
	for i, t := range r.tables() {
		parts := t.fit(p.Width)
		if i == 0 && len(r.Results) > 0 && len(parts) > maxBlocks {
			parts = r.condensed().fit(p.Width)
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
// each other scenario.
func (p *printer) failures(r *Run) {
	byProperty := map[string][]Failure{}
	for _, g := range r.groups(r.Failures) {
		byProperty[g.Property] = append(byProperty[g.Property], g.Told[0])
	}
	for _, x := range r.Properties {
		list := byProperty[x.Name]
		if len(list) == 0 {
			continue
		}
		told := slices.MinFunc(list, compareFailures)
		p.failure(r, told)
		for _, f := range list {
			if f.Scenario != told.Scenario {
				also := fmt.Sprintf("%s, in %s: %s", f.Scenario, plural(r.others(f)+1, "cell"), f.Plan)
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

func (p *printer) failure(r *Run, f Failure) {
	mark, tone, title := "✗ ", bad, f.Property+" in "+f.Scenario
	if f.Verdict == checkers.Inconclusive {
		mark, tone = "? ", warn
	}
	p.line(p.paint(mark, tone) + p.bold(title))
	p.hanging("    broken: ", f.Broken, tone)
	if len(f.Also) > 0 {
		p.hanging("    also breaks: ", strings.Join(f.Also, ", "), tone)
	}
	p.hanging("      plan: ", planLine(f), plain)
	for _, l := range f.Story.storyLines() {
		p.hanging("    "+l.head, l.text, l.tone)
	}
	if others := r.others(f); others > 0 {
		p.line(p.paint(fmt.Sprintf("      also: %s of %s, see report.md", plural(others, "more cell"), f.Scenario), dim))
	}
	if f.Reproduced != nil {
		p.line(fmt.Sprintf("    again: %d of %d replays", f.Reproduced.Hits, f.Reproduced.Tries))
	}
	if f.File != "" && r.Dir != "" {
		p.line("    replay: sagacheck replay " + QuotePath(filepath.Join(r.Dir, f.File)))
	}
}

func planLine(f Failure) string {
	s := f.Plan + " (" + f.PlanID + ", cell " + f.Cell + ")"
	if f.ShrunkFrom != "" {
		s += ", shrunk from: " + f.ShrunkFrom
	}
	return s
}

// others is how many more cells have the same property broken (or undecided), and
// told under it.
func (r *Run) others(f Failure) int {
	res, _ := r.result(f.Property, f.Scenario)
	if f.Verdict == checkers.Inconclusive {
		return max(0, res.Cells.Inconclusive-1)
	}
	return max(0, res.Cells.Violation-res.Cells.Beside-1)
}

// plainWord is what every shell takes as it is.
var plainWord = regexp.MustCompile(`^[a-zA-Z0-9_./:@%+,][a-zA-Z0-9_./:@%+,=-]*$`)

// QuotePath makes a path a word of a shell's command line.
func QuotePath(s string) string {
	if strings.HasPrefix(s, "-") {
		s = "./" + s // it is no flag
	}
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

var stateTones = map[State]tone{Passed: good, Violated: bad, Errored: bad, Incomplete: warn, Inconclusive: warn, Vacuous: warn, Interrupted: warn}

func (p *printer) summary(r *Run) {
	for _, reason := range r.Summary.Reasons {
		p.hanging("  - ", reason, stateTones[r.Summary.Outcome])
	}
	p.line(p.paint(strings.ToUpper(string(r.Summary.Outcome)), stateTones[r.Summary.Outcome]) + p.text(" · "+r.headline()))
	if r.Dir != "" {
		p.line("report: " + QuotePath(filepath.Join(r.Dir, "report.md")))
	}
}

// headline is the run in one line.
func (r *Run) headline() string {
	t := r.Totals
	var parts []string
	if r.Mutants != nil {
		parts = append(parts, r.Mutants.headline())
	}
	if r.Comparison != nil {
		parts = append(parts, r.Comparison.headline())
	}
	if t.Cells > 0 || len(parts) == 0 {
		n := plural(t.Cells, "cell")
		if r.Planned > t.Cells {
			n = fmt.Sprintf("%d of %s", t.Cells, plural(r.Planned, "planned cell"))
		}
		parts = append(parts, n)
	}
	count := func(n int, what string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	count(t.Violated, "violated")
	if n := r.findings(); n > 0 {
		parts = append(parts, plural(n, "finding"))
	}
	count(t.Errors, "in error")
	count(t.Inconclusive, "inconclusive")
	count(t.Vacuous, "vacuous")
	if t.Cells > 0 && (t.FaultsPlanned > 0 || t.Probes == 0) {
		parts = append(parts, fmt.Sprintf("%d of %s fired", t.FaultsFired, plural(t.FaultsPlanned, "planned fault")))
	}
	if t.Probes > 0 {
		parts = append(parts, fmt.Sprintf("%d of %s hit", t.Probes-t.Missed, plural(t.Probes, "probe")))
	}
	if t.Repeated > 0 {
		parts = append(parts, "run again: "+plural(t.Repeated, "cell"))
	}
	if who := r.who(); who != "" && r.Comparison == nil {
		parts = append(parts, who)
	}
	if r.Seed != 0 {
		parts = append(parts, fmt.Sprintf("seed %d", r.Seed))
	}
	if r.Shard != nil && r.Shard.Merged == 0 {
		parts = append(parts, fmt.Sprintf("shard %d/%d", r.Shard.I, r.Shard.N))
	}
	d := time.Duration(r.DurationMS) * time.Millisecond
	return strings.Join(append(parts, d.Round(100*time.Millisecond).String()), " · ")
}

// findings counts what was violated as people do: a property, with what the same
// cause broke beside it, in a scenario.
func (r *Run) findings() int {
	n := 0
	for _, g := range r.groups(r.Failures) {
		if g.Told[0].Verdict == checkers.Violation {
			n++
		}
	}
	return n
}

// who names the orchestrator and the participants.
func (r *Run) who() string {
	who := strings.TrimSpace(r.Orchestrator.Name + " " + r.Orchestrator.Version)
	if r.Profile != "" {
		who += " with " + r.Profile + " participants"
	}
	return strings.TrimSpace(who)
}
