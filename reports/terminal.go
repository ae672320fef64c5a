package reports

import (
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"golang.org/x/term"
)

// Terminal is where a run is printed, and what that place can show.
type Terminal struct {
	W      io.Writer
	Width  int  // columns; 0: no limit
	Live   bool // a terminal with a person at it
	Colour bool
	ASCII  bool // it can't show other characters
	// Clauses: all clauses of all properties are told, not only those that are open or
	// could mostly not be judged.
	Clauses bool
}

// defaultWidth is for logs and files.
const defaultWidth = 120

// NewTerminal finds out what w can show. Colours need a terminal and no NO_COLOR
// (any value) and no TERM=dumb; COLUMNS overrides the width; a locale that is
// set and is not UTF-8 asks for ASCII.
func NewTerminal(w io.Writer, getenv func(string) string) Terminal {
	t := Terminal{W: w, Width: defaultWidth}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		t.Live = true
		if cols, _, err := term.GetSize(int(f.Fd())); err == nil && cols > 0 {
			t.Width = cols
		}
	}
	if n, err := strconv.Atoi(getenv("COLUMNS")); err == nil && n > 0 {
		t.Width = n
	}
	t.Colour = t.Live && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(getenv(name)); v != "" {
			t.ASCII = !strings.Contains(v, "utf-8") && !strings.Contains(v, "utf8")
			break
		}
	}
	return t
}

var colours = map[tone]string{good: "32", bad: "31;1", warn: "33", dim: "2"}

// asciiText says in ASCII what the reports say with other characters.
var asciiText = strings.NewReplacer(
	"✓", "+", "✗", "X", "○", "o", "–", "-", "·", "|", "→", "->", "↯", "!", "▶", ">", "×", "x", "…", "...", "∅", "none", "−", "-", "≥", ">=", "≤", "<=", "±", "+/-",
	"│", "|", "┊", ":", "─", "-", "●", "*", "■", "#", "◀", "<", "⋮", ":",
)

func (t Terminal) text(s string) string {
	if t.ASCII {
		return asciiText.Replace(s)
	}
	return s
}

func (t Terminal) paint(s string, tone tone) string {
	s = t.text(s)
	if code := colours[tone]; t.Colour && code != "" && s != "" {
		return "\x1b[" + code + "m" + s + "\x1b[0m"
	}
	return s
}

func (t Terminal) bold(s string) string {
	if s = t.text(s); t.Colour {
		return "\x1b[1m" + s + "\x1b[0m"
	}
	return s
}

// paintLines paints each line of a cell by itself, so that a table's borders
// keep their colour.
func (t Terminal) paintLines(c cell) string {
	lines := strings.Split(c.Text, "\n")
	for i, l := range lines {
		lines[i] = t.paint(l, c.Tone)
	}
	return strings.Join(lines, "\n")
}

// wrap breaks a text at spaces into lines of at most width columns; a longer
// word keeps a line of its own. Width 0 is no limit.
func wrap(s string, width int) []string {
	if width <= 0 || twwidth.Width(s) <= width {
		return []string{s}
	}
	var lines []string
	line := ""
	for _, w := range strings.Fields(s) {
		switch {
		case line == "":
			line = w
		case twwidth.Width(line)+1+twwidth.Width(w) <= width:
			line += " " + w
		default:
			lines = append(lines, line)
			line = w
		}
	}
	return append(lines, line)
}

// printer writes to a terminal and remembers the first error.
type printer struct {
	Terminal
	b strings.Builder
}

func (p *printer) line(s string) { p.b.WriteString(s + "\n") }

// hanging prints a text behind a label; further lines are indented as the label
// is wide, or less if that leaves no room.
func (p *printer) hanging(label, s string, tone tone) {
	label = p.text(label)
	indent := twwidth.Width(label)
	room := 0
	if p.Width > 0 {
		room = p.Width - indent
	}
	if p.Width > 0 && room < 30 && twwidth.Width(s) > room {
		p.line(p.paint(strings.TrimRight(label, " "), tone))
		indent = min(indent, 8)
		label, room = strings.Repeat(" ", indent), max(20, p.Width-indent)
	}
	for i, l := range wrap(p.text(s), room) {
		if i > 0 {
			label = strings.Repeat(" ", indent)
		}
		p.line(p.paint(label, tone) + p.paint(l, tone))
	}
}
