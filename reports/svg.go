package reports

import (
	"fmt"
	"html"
	"slices"
	"strings"

	"github.com/olekukonko/tablewriter/pkg/twwidth"

	"github.com/sagacheck/sagacheck/results"
)

// Measures of the drawing, in pixels.
const (
	laneWidth  = 210
	rowHeight  = 34
	lineHeight = 14 // of each further line of a text
	topHeight  = 44
	charWidth  = 6.7
	maxInLane  = 46 // characters of a line of text
	svgPadding = 70 // left, for the times
)

// svg draws the story as a sequence diagram without scripts. The colours come
// from the page's classes.
func svg(s results.Story) string {
	parties := s.Parties()
	if len(parties) == 0 {
		return ""
	}
	x := func(p string) int { return svgPadding + laneWidth*slices.Index(parties, p) + laneWidth/2 }
	width := svgPadding + laneWidth*len(parties)
	height := topHeight + 20
	for _, l := range s.Lines {
		height += heightOf(l)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="sequence" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="sequence diagram">`, width, height, width, height)
	for _, p := range parties {
		fmt.Fprintf(&b, `<line class="lane" x1="%d" y1="%d" x2="%d" y2="%d"/>`, x(p), topHeight-12, x(p), height)
		fmt.Fprintf(&b, `<text class="party" x="%d" y="%d">%s</text>`, x(p), topHeight-20, html.EscapeString(p))
	}
	top := topHeight
	for _, l := range s.Lines {
		top += heightOf(l)
		y := top - rowHeight + 16 // of the last line of its text
		fmt.Fprintf(&b, `<g class="%s"><title>%s</title><text class="time" x="4" y="%d">%.1f ms</text>`,
			markClass(l.Mark), html.EscapeString(l.Text), y+4, float64(l.At)/1e6)
		if l.To == "" {
			svgNote(&b, l, x(l.From), y, width)
		} else {
			svgArrow(&b, l, x(l.From), x(l.To), y)
		}
		b.WriteString("</g>")
	}
	b.WriteString("</svg>")
	return b.String()
}

func markClass(m results.Mark) string {
	if m == "" {
		return "event"
	}
	return string(m)
}

// labelOf is the text of a line, broken so that it is whole and fits its lane.
func labelOf(l results.Line) []string { return wrap(marked(l), maxInLane) }

func heightOf(l results.Line) int { return rowHeight + lineHeight*(len(labelOf(l))-1) }

// svgLabel writes a text whose last line is at y.
func svgLabel(b *strings.Builder, lines []string, x, y int) {
	for i, text := range lines {
		fmt.Fprintf(b, `<text x="%d" y="%d">%s</text>`, x, y-lineHeight*(len(lines)-1-i), html.EscapeString(text))
	}
}

func svgNote(b *strings.Builder, l results.Line, x, y, width int) {
	lines, w := labelOf(l), 0
	for _, text := range lines {
		w = max(w, int(float64(twwidth.Width(text))*charWidth)+16)
	}
	left := max(svgPadding, min(x-w/2, width-w-2))
	more := lineHeight * (len(lines) - 1)
	fmt.Fprintf(b, `<rect x="%d" y="%d" width="%d" height="%d" rx="4"/>`, left, y-11-more, w, 22+more)
	svgLabel(b, lines, left+w/2, y+4)
}

func svgArrow(b *strings.Builder, l results.Line, from, to, y int) {
	tip, dir := to-2, 1
	if to < from {
		tip, dir = to+2, -1
	}
	if l.Lost {
		tip = to - dir*laneWidth/4
	}
	fmt.Fprintf(b, `<line class="arrow" x1="%d" y1="%d" x2="%d" y2="%d"/>`, from, y+6, tip, y+6)
	if l.Lost {
		fmt.Fprintf(b, `<path class="cross" d="M%d %dl10 10m0 -10l-10 10"/>`, tip-5, y+1)
	} else {
		fmt.Fprintf(b, `<path class="tip" d="M%d %dl%d -4v8z"/>`, tip, y+6, -dir*8)
	}
	svgLabel(b, labelOf(l), (from+to)/2, y+1)
}

func marked(l results.Line) string {
	switch l.Mark {
	case results.MarkFault:
		return "↯ " + l.Text
	case results.MarkWitness:
		return "▶ " + l.Text
	}
	return l.Text
}
