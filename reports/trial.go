package reports

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/internal/words"
	"github.com/sagacheck/sagacheck/results"
	"github.com/sagacheck/sagacheck/saga"
)

// mostDiffering is how many cells that end differently are listed.
const mostDiffering = 10

// PrintTrial prints what new policies change.
func PrintTrial(t Terminal, trial *results.Trial) error {
	p := &printer{Terminal: t}
	tab := table{Head: []string{"scenario", "cells", "ends", "time: half, all", "calls", "undone"}}
	for _, r := range trial.Rows {
		o, n := &r.Old, &r.New
		tab.Rows = append(tab.Rows, []cell{
			{Text: r.Scenario},
			{Text: fmt.Sprint(r.Cells)},
			{Text: change(endsText(o), endsText(n))},
			{Text: change(timesText(o), timesText(n))},
			{Text: change(fmt.Sprint(o.Calls), fmt.Sprint(n.Calls))},
			{Text: change(fmt.Sprint(o.Compensations), fmt.Sprint(n.Compensations))},
		})
	}
	for _, part := range tab.fit(p.Width) {
		text, err := part.draw(t)
		if err != nil {
			return err
		}
		p.b.WriteString(text)
	}
	for i, d := range trial.Differ {
		if i == mostDiffering {
			p.line(fmt.Sprintf("… and %s more that end differently", words.Plural(len(trial.Differ)-i, "cell")))
			break
		}
		p.hanging("  ", fmt.Sprintf("%s, %s: %s", d.Scenario, d.Plan, change(statuses(d.Old), statuses(d.New))), "")
	}
	if trial.Without > 0 {
		p.line(words.Plural(trial.Without, "cell") + " could not be run both ways")
	}
	_, err := io.WriteString(t.W, p.b.String())
	return err
}

// change is one text where nothing changed, and two where something did.
func change(old, now string) string {
	if old == now {
		return old
	}
	return old + " → " + now
}

func endsText(s *results.Sums) string {
	var parts []string
	for _, end := range []saga.Status{saga.Completed, saga.Compensated, saga.Stuck, saga.Running, saga.Compensating} {
		if n := s.Ends[end]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, end))
		}
	}
	return strings.Join(parts, ", ")
}

func timesText(s *results.Sums) string {
	return fmt.Sprintf("%s, %s", s.Median().Round(time.Millisecond), s.Worst().Round(time.Millisecond))
}

func statuses(all []saga.Status) string {
	var words []string
	for _, s := range all {
		words = append(words, string(s))
	}
	return strings.Join(words, ", ")
}
