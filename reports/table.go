package reports

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// table is what the terminal, Markdown and HTML draw, each in its way.
type table struct {
	Title string
	Notes []string // below it
	Head  []string
	Rows  [][]cell
	// Wrap is the column whose text may be broken into lines, 0 for none (the
	// first column names the row and is never broken).
	Wrap int
}

// cell is a text with a meaning, from which the colour follows.
type cell struct {
	Text string
	Tone tone
}

type tone string

const (
	plain tone = ""
	good  tone = "good"
	bad   tone = "bad"
	warn  tone = "warn"
	dim   tone = "dim"
)

func plainCells(texts ...string) []cell {
	out := make([]cell, len(texts))
	for i, t := range texts {
		out[i] = cell{Text: t}
	}
	return out
}

// row appends a row; numbers and strings are plain cells.
func (t *table) row(values ...any) {
	var cells []cell
	for _, v := range values {
		c, ok := v.(cell)
		if !ok {
			c = cell{Text: fmt.Sprint(v)}
		}
		cells = append(cells, c)
	}
	t.Rows = append(t.Rows, cells)
}

// width of a table drawn with borders.
func (t table) width() int {
	w := 1
	for i := range t.Head {
		w += t.columnWidth(i) + 3
	}
	return w
}

func (t table) columnWidth(i int) int {
	w := twwidth.Width(t.Head[i])
	for _, r := range t.Rows {
		if i < len(r) {
			w = max(w, twwidth.Width(r[i].Text))
		}
	}
	return w
}

// fit breaks the text of the Wrap column, or else splits the columns over
// several tables that all have the first column.
func (t table) fit(width int) []table {
	over := t.width() - width
	if over <= 0 {
		return []table{t}
	}
	if t.Wrap > 0 {
		room := max(20, t.columnWidth(t.Wrap)-over)
		rows := make([][]cell, len(t.Rows))
		for i, r := range t.Rows {
			rows[i] = slices.Clone(r)
			if t.Wrap < len(r) {
				rows[i][t.Wrap].Text = strings.Join(wrap(r[t.Wrap].Text, room), "\n")
			}
		}
		t.Rows = rows
		return []table{t}
	}
	var out []table
	for from := 1; from < len(t.Head); {
		to, w := from, 1+t.columnWidth(0)+3
		for to < len(t.Head) && (to == from || w+t.columnWidth(to)+3 <= width) {
			w += t.columnWidth(to) + 3
			to++
		}
		out = append(out, t.columns(from, to))
		from = to
	}
	for i := range out[:len(out)-1] {
		out[i].Notes = nil
	}
	return out
}

func (t table) columns(from, to int) table {
	part := table{Title: t.Title, Notes: t.Notes, Head: append([]string{t.Head[0]}, t.Head[from:to]...)}
	if from > 1 {
		part.Title = ""
	}
	for _, r := range t.Rows {
		part.Rows = append(part.Rows, append([]cell{r[0]}, r[from:to]...))
	}
	return part
}

// draw renders the table for a terminal.
func (t table) draw(term Terminal) (string, error) {
	symbols := tw.NewSymbols(tw.StyleRounded)
	if term.ASCII {
		symbols = tw.NewSymbols(tw.StyleASCII)
	}
	var b bytes.Buffer
	w := tablewriter.NewTable(&b,
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{Symbols: symbols})),
		tablewriter.WithHeaderAutoFormat(tw.Off), tablewriter.WithHeaderAutoWrap(tw.WrapNone),
		tablewriter.WithRowAutoWrap(tw.WrapNone), tablewriter.WithHeaderAlignment(tw.AlignLeft),
		tablewriter.WithRowAlignment(tw.AlignLeft), tablewriter.WithTrimSpace(tw.Off),
	)
	head := make([]any, len(t.Head))
	for i, h := range t.Head {
		head[i] = term.text(h)
	}
	w.Header(head...)
	for _, r := range t.Rows {
		texts := make([]string, len(t.Head))
		for i, c := range r {
			texts[i] = term.paintLines(c)
		}
		if err := w.Append(texts); err != nil {
			return "", fmt.Errorf("table %q: %w", t.Title, err)
		}
	}
	if err := w.Render(); err != nil {
		return "", fmt.Errorf("table %q: %w", t.Title, err)
	}
	return b.String(), nil
}
