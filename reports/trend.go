package reports

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/internal/words"
	"github.com/sagacheck/sagacheck/results"
)

// PrintTrend prints what runs found over time.
func PrintTrend(t Terminal, trend *results.Trend) error {
	p := &printer{Terminal: t}
	runs := table{Head: []string{"run", "verdict", "cells", "findings", "time", "cells/s", "of"}, Wrap: 6}
	for _, r := range trend.Runs {
		if r.Trouble != "" {
			runs.row(began(r.Started), cell{"no report", warn}, "", "", "", "", r.Dir+": "+r.Trouble)
			continue
		}
		of := with(r.Orchestrator, r.Participants)
		runs.row(began(r.Started), cell{string(r.Outcome), stateTones[r.Outcome]}, r.Totals.Cells, r.Findings, millis(r.DurationMS),
			fmt.Sprintf("%.1f", r.CellsPerS), strings.TrimSpace(of+", "+firstWord(r.Command)))
	}
	if err := p.table(runs); err != nil {
		return err
	}
	for _, r := range trend.Runs {
		for _, s := range r.Troubles {
			p.hanging("trouble: ", began(r.Started)+": "+s, warn)
		}
	}
	found := table{Head: []string{"finding", "now", "first seen", "last seen", "runs", "plan; of"}, Wrap: 5}
	for _, f := range trend.Findings {
		now := cell{"gone", good}
		if f.Open {
			now = cell{"open", bad}
		}
		found.row(f.Property+" in "+f.Scenario, now, began(f.First), began(f.Last), fmt.Sprintf("%d of %d", f.Runs, f.Asked),
			f.Plan+"; "+with(f.Orchestrator, f.Participants))
	}
	if len(found.Rows) > 0 {
		if err := p.table(found); err != nil {
			return err
		}
	}
	for _, l := range trend.LeftOut {
		p.hanging("left out: ", l, dim)
	}
	open := 0
	for _, f := range trend.Findings {
		if f.Open {
			open++
		}
	}
	p.line(fmt.Sprintf("%s · %s, %d open", words.Plural(len(trend.Runs), "run"), words.Plural(len(trend.Findings), "finding"), open))
	_, err := io.WriteString(t.W, p.b.String())
	return err
}

func began(at time.Time) string {
	if at.IsZero() {
		return "?"
	}
	return at.UTC().Format("2006-01-02 15:04")
}

// with is an orchestrator with its participants, in words.
func with(orchestrator, participants string) string {
	if participants == "" {
		return orchestrator
	}
	return orchestrator + " with " + participants + " participants"
}
