package reports

import (
	"fmt"
	"html"
	"slices"
	"strings"

	"github.com/olekukonko/tablewriter/pkg/twwidth"
)

// Measures of the drawing, in pixels.
const (
	laneWidth  = 210
	rowHeight  = 34
	topHeight  = 44
	charWidth  = 6.7
	maxInLane  = 46 // characters of a text in the drawing; the story has all of it
	svgPadding = 70 // left, for the times
)

// svg draws the story as a sequence diagram without scripts. The colours come
// from the page's classes.
func (s Story) svg() string {
	parties := s.parties()
	if len(parties) == 0 {
		return ""
	}
	x := func(p string) int { return svgPadding + laneWidth*slices.Index(parties, p) + laneWidth/2 }
	width := svgPadding + laneWidth*len(parties)
	height := topHeight + rowHeight*len(s.Lines) + 20
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="sequence" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="sequence diagram">`, width, height, width, height)
	for _, p := range parties {
		fmt.Fprintf(&b, `<line class="lane" x1="%d" y1="%d" x2="%d" y2="%d"/>`, x(p), topHeight-12, x(p), height)
		fmt.Fprintf(&b, `<text class="party" x="%d" y="%d">%s</text>`, x(p), topHeight-20, html.EscapeString(p))
	}
	for i, l := range s.Lines {
		y := topHeight + rowHeight*i + 16
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

func markClass(m Mark) string {
	if m == "" {
		return "event"
	}
	return string(m)
}

func svgNote(b *strings.Builder, l Line, x, y, width int) {
	text := short(marked(l))
	w := int(float64(twwidth.Width(text))*charWidth) + 16
	left := max(svgPadding, min(x-w/2, width-w-2))
	fmt.Fprintf(b, `<rect x="%d" y="%d" width="%d" height="22" rx="4"/><text x="%d" y="%d">%s</text>`,
		left, y-11, w, left+w/2, y+4, html.EscapeString(text))
}

func svgArrow(b *strings.Builder, l Line, from, to, y int) {
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
	fmt.Fprintf(b, `<text x="%d" y="%d">%s</text>`, (from+to)/2, y+1, html.EscapeString(short(marked(l))))
}

func marked(l Line) string {
	switch l.Mark {
	case MarkFault:
		return "↯ " + l.Text
	case MarkWitness:
		return "▶ " + l.Text
	}
	return l.Text
}

func short(s string) string {
	if twwidth.Width(s) <= maxInLane {
		return s
	}
	return twwidth.Truncate(s, maxInLane, "…")
}
