package reports

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/olekukonko/tablewriter/pkg/twwidth"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/results"
)

// laneColumns is how wide a lane is on a terminal.
const laneColumns = 14

// laneRow is one row of a timeline on a terminal.
type laneRow struct {
	moment   int
	from, to int
	shape    shape
	head     string // of an arrow; empty: it arrives later
	text     string
	tone     tone
	sign     string
}

// Show draws one failure on a terminal: what was broken, the timeline that its page has too, and the ledger.
func Show(t Terminal, f results.Failure) error {
	p := &printer{Terminal: t}
	mark, tone := "✗ ", bad
	if f.Verdict == checkers.Inconclusive {
		mark, tone = "? ", warn
	}
	p.line(p.paint(mark, tone) + p.bold(f.Property+" in "+f.Scenario))
	p.hanging("  broken: ", f.Broken, tone)
	if len(f.Also) > 0 {
		p.hanging("  also breaks: ", strings.Join(f.Also, ", "), tone)
	}
	p.hanging("  plan: ", planLine(f), plain)
	p.line("")
	p.lanes(newTimeline(f.Story), provenBy(f))
	if len(f.Ledger) > 0 {
		p.line("")
		drawn, err := ledgerTable(f.Ledger).draw(t)
		if err != nil {
			return err
		}
		p.b.WriteString(drawn)
	}
	_, err := io.WriteString(t.W, p.b.String())
	return err
}

func ledgerTable(entries []checkers.Entry) table {
	t := table{Title: "Ledger", Head: []string{"account or register", "expected", "actual"}}
	for _, e := range entries {
		want, held := cell{Text: e.Want}, cell{Text: e.Held}
		if e.Want == "" {
			want = cell{"not known", dim}
		}
		switch {
		case e.Held == "":
			held = cell{"not shown", dim}
		case e.Wrong():
			held = cell{"✗ " + e.Held, bad}
		}
		t.row(e.Name, want, held)
	}
	return t
}

// lanes draws the timeline: time goes downwards, a lane for each party, and on the right what happened.
func (p *printer) lanes(t timeline, proves string) {
	head := make([][]string, len(t.Lanes))
	tall := 0
	for i, name := range t.Lanes {
		head[i] = fold(name, laneColumns-2)
		tall = max(tall, len(head[i]))
	}
	for row := range tall {
		var b strings.Builder
		b.WriteString(strings.Repeat(" ", 12))
		for _, lines := range head {
			text := ""
			if at := row - (tall - len(lines)); at >= 0 {
				text = lines[at]
			}
			left := (laneColumns - twwidth.Width(text)) / 2
			b.WriteString(strings.Repeat(" ", left) + text + strings.Repeat(" ", laneColumns-left-twwidth.Width(text)))
		}
		p.line(p.bold(strings.TrimRight(b.String(), " ")))
	}
	waits, last := t.waits(), -1
	rows := t.rows()
	for i, r := range rows {
		if r.sign == "▶" {
			last = i
		}
	}
	seen := -1
	for i, r := range rows {
		if w := waits[r.moment]; r.moment != seen && w.Broken {
			p.line(p.paint(fmt.Sprintf("  %9s %s", "⋮", t.empty("┊")), dim) + p.paint(longText(w.Long)+" pass", dim))
		}
		at := longText(t.Moments[r.moment])
		seen = r.moment
		p.row(t, r, fmt.Sprintf("%s %9s ", r.sign, at))
		if i == last && proves != "" {
			p.hanging("            ✗ ", proves, bad)
		}
	}
	if t.LeftOut > 0 {
		p.line(p.paint(fmt.Sprintf("  (%d lines of lesser weight left out)", t.LeftOut), dim))
	}
}

// row prints what happened beside the lanes, which go on as far as the text does.
func (p *printer) row(t timeline, r laneRow, head string) {
	room := 0
	if p.Width > 0 {
		room = max(24, p.Width-twwidth.Width(head)-laneColumns*len(t.Lanes))
	}
	lanes := t.draw(r)
	for _, text := range wrap(r.text, room) {
		p.line(p.paint(head, r.tone) + p.text(lanes) + p.paint(text, r.tone))
		head, lanes = strings.Repeat(" ", twwidth.Width(head)), t.empty("│")
	}
}

// rows are the marks in the order of time; of an arrow that takes its time the arrival is one more.
func (t timeline) rows() []laneRow {
	var rows []laneRow
	for _, m := range t.Marks {
		r := laneRow{moment: m.Begin, from: m.From, to: m.To, shape: m.Shape, text: m.Label, sign: " ", head: "▶"}
		switch m.Why {
		case results.MarkFault:
			r.sign, r.tone = "↯", warn
		case results.MarkWitness:
			r.sign, r.tone = "▶", bad
		}
		if m.Lost && m.From != m.To && !strings.HasSuffix(m.Label, noAnswer) {
			r.text += ", lost"
		}
		if m.Key != "" {
			r.text += ", key " + m.Key
		}
		if m.Lost || m.Cut {
			r.head = "✗"
		}
		if t.Moments[m.End]-t.Moments[m.Begin] > time.Millisecond && m.End > m.Begin+1 {
			later := r
			later.moment, later.text, r.head = m.End, m.Label+" arrives", ""
			if m.Cut {
				later.text = m.Label
			}
			rows = append(rows, later)
		}
		rows = append(rows, r)
	}
	slices.SortStableFunc(rows, func(a, b laneRow) int { return a.moment - b.moment })
	return rows
}

// empty are the lanes in which nothing happens.
func (t timeline) empty(lane string) string {
	return strings.Repeat(strings.Repeat(" ", laneColumns/2)+lane+strings.Repeat(" ", laneColumns-laneColumns/2-1), len(t.Lanes))
}

// draw draws a row in its lanes.
func (t timeline) draw(r laneRow) string {
	cells := []rune(t.empty("│"))
	x := func(lane int) int { return lane*laneColumns + laneColumns/2 }
	switch r.shape {
	case effectShape:
		cells[x(r.from)] = '●'
	case noteShape:
		cells[x(r.from)] = '■'
		if r.sign == "↯" {
			cells[x(r.from)] = '↯'
		}
	default:
		from, to, tip := x(r.from), x(r.to), '▶'
		dir := 1
		if to < from {
			dir, tip = -1, '◀'
		}
		for i := from + dir; i != to; i += dir {
			cells[i] = '─'
		}
		switch r.head {
		case "":
			for i := from + dir*(laneColumns/2); i != to; i += dir {
				cells[i] = ' '
			}
			cells[from+dir*(laneColumns/2)] = '·'
			for lane := range t.Lanes {
				if cells[x(lane)] == ' ' {
					cells[x(lane)] = '│'
				}
			}
		case "✗":
			cells[to-dir] = '✗'
		default:
			cells[to-dir] = tip
		}
	}
	return string(cells)
}
