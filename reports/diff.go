package reports

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/internal/words"
	"github.com/sagacheck/sagacheck/results"
)

// PrintDiff prints what changed from one run to another.
func PrintDiff(t Terminal, d *results.Diff) error {
	p := &printer{Terminal: t}
	p.ran("then: ", d.Then)
	p.ran("now:  ", d.Now)
	for _, s := range d.Differs {
		p.hanging("  differs: ", s, warn)
	}
	p.line("")
	if err := p.table(countsTable(d)); err != nil {
		return err
	}
	p.changed("new", "✗ ", d.New, bad)
	p.changed("not tried again", "? ", d.NotTried, warn)
	p.changed("gone", "✓ ", d.Gone, good)
	p.changed("the same", "= ", d.Same, plain)
	for _, v := range d.Verdicts {
		p.hanging("verdict: ", v.Text(), plain)
	}
	for _, o := range d.Open {
		p.hanging("inconclusive besides: ", o, warn)
	}
	for _, s := range d.NotRun {
		p.hanging("scenario not run: ", s, warn)
	}
	for _, c := range d.Unjudged {
		p.hanging("no longer judged: ", c, warn)
	}
	for _, c := range d.Judged {
		p.hanging("newly judged: ", c, plain)
	}
	p.line(diffHeadline(d))
	_, err := io.WriteString(t.W, p.b.String())
	return err
}

// ran tells of a run: which, and what kept it from being whole.
func (p *printer) ran(which string, l results.RunLine) {
	p.hanging(which, runText(l), plain)
	for _, s := range l.Troubles {
		p.hanging("  trouble: ", s, warn)
	}
}

// table draws one.
func (p *printer) table(t table) error {
	for _, part := range t.fit(p.Width) {
		text, err := part.draw(p.Terminal)
		if err != nil {
			return err
		}
		p.b.WriteString(text)
	}
	return nil
}

// changed lists findings under a heading, which says how many there are.
func (p *printer) changed(title, mark string, list []results.Changed, tone tone) {
	if len(list) == 0 {
		return
	}
	p.line(p.bold(fmt.Sprintf("%s: %s", title, words.Plural(len(list), "finding"))))
	for _, c := range list {
		text := c.Key.String()
		if c.Shrunk != "" {
			text += ", shrunk to: " + c.Shrunk
		}
		if c.Note != "" {
			text += " (" + c.Note + ")"
		}
		p.hanging("  "+mark, text, tone)
	}
}

func runText(l results.RunLine) string {
	text := fmt.Sprintf("%s · %s · %s", l.Started.UTC().Format(time.DateTime), strings.ToUpper(string(l.Outcome)), l.Orchestrator)
	if l.Participants != "" {
		text += " with " + l.Participants + " participants"
	}
	return text + fmt.Sprintf(" · seed %d · %s", l.Seed, l.Dir)
}

func countsTable(d *results.Diff) table {
	t := table{Head: []string{"", "then", "now"}}
	a, b := d.Then, d.Now
	for _, row := range []struct {
		name      string
		then, now int
	}{
		{"cells", a.Totals.Cells, b.Totals.Cells},
		{"passed", a.Totals.Passed, b.Totals.Passed},
		{"violated", a.Totals.Violated, b.Totals.Violated},
		{"inconclusive", a.Totals.Inconclusive, b.Totals.Inconclusive},
		{"vacuous", a.Totals.Vacuous, b.Totals.Vacuous},
		{"in error", a.Totals.Errors, b.Totals.Errors},
		{"planned faults fired", a.Totals.FaultsFired, b.Totals.FaultsFired},
		{"findings", a.Findings, b.Findings},
	} {
		t.row(row.name, row.then, row.now)
	}
	t.row("time", millis(a.DurationMS), millis(b.DurationMS))
	return t
}

func millis(ms int64) string {
	return (time.Duration(ms) * time.Millisecond).Round(100 * time.Millisecond).String()
}

func diffHeadline(d *results.Diff) string {
	word := "SAME OR BETTER"
	switch d.Exit {
	case results.ExitViolation:
		word = "WORSE"
	case results.ExitUnproven:
		word = "NOT PROVEN"
	}
	parts := append([]string{word}, d.Reasons...)
	parts = append(parts, fmt.Sprintf("%d new, %d gone, %d the same", len(d.New), len(d.Gone), len(d.Same)))
	return strings.Join(parts, " · ")
}
