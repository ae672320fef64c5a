package reports

import (
	"fmt"
	"html"
	"html/template"
	"strings"

	"github.com/olekukonko/tablewriter/pkg/twwidth"

	"github.com/sagacheck/sagacheck/results"
)

// Measures of the drawing, in pixels.
const (
	laneWidth  = 200
	rowHeight  = 26
	lineHeight = 14 // of each further line of a text
	topHeight  = 44
	charWidth  = 6.7
	gutter     = 96 // left, for the times
)

// drawing is a timeline in SVG without scripts. The colours come from the page's classes.
type drawing struct {
	strings.Builder
	timeline
	y      []float64 // of the moments
	needs  []float64 // above each of them, for what is written there
	labels [][]string
	width  int
}

// Timeline draws a story as the page of a run does; broken is what it proves.
func Timeline(s results.Story, broken string) template.HTML { return template.HTML(svg(s, broken)) }

// svg draws the story; broken is what it proves.
func svg(s results.Story, broken string) string {
	d := drawing{timeline: newTimeline(s)}
	if len(d.Lanes) == 0 {
		return ""
	}
	d.width = gutter + laneWidth*len(d.Lanes)
	height, proof := d.layout(broken)
	fmt.Fprintf(&d, `<svg class="sequence" viewBox="0 0 %d %.0f" width="%d" height="%.0f" role="group" aria-label="timeline">`, d.width, height, d.width, height)
	for i, p := range d.Lanes {
		x := d.x(i)
		fmt.Fprintf(&d, `<line class="lane" x1="%d" y1="30" x2="%d" y2="%.0f"/>`, x, x, height)
		name := wrap(p, laneWidth/8)[0]
		fmt.Fprintf(&d, `<g><title>%s</title><rect class="party" x="%d" y="4" width="%d" height="26" rx="5"/><text class="party" x="%d" y="21">%s</text></g>`,
			html.EscapeString(p), x-laneWidth/2+8, laneWidth-16, x, html.EscapeString(name))
	}
	for _, w := range d.Down {
		end := height
		if w.End >= 0 {
			end = d.y[w.End]
		}
		fmt.Fprintf(&d, `<line class="down" x1="%d" y1="%.0f" x2="%d" y2="%.0f"><title>%s does nothing</title></line>`, d.x(w.Lane), d.y[w.Begin], d.x(w.Lane), end, html.EscapeString(d.Lanes[w.Lane]))
	}
	d.waited()
	first := ` tabindex="0"`
	for i, m := range d.Marks {
		fmt.Fprintf(&d, `<g class="%s %s"%s><title>%s: %s</title>`, m.Shape, orEvent(m.Why), first, longText(d.Moments[m.Begin]), html.EscapeString(m.Text))
		first = ` tabindex="-1"` // the arrow keys lead there
		d.mark(m, d.labels[i])
		d.WriteString("</g>")
	}
	if broken != "" && proof > 0 {
		d.box("proof", wrap("✗ "+broken, d.width/8), d.width/2, proof)
	}
	d.WriteString("</svg>")
	return d.String()
}

func orEvent(m results.Mark) string {
	if m == "" {
		return "event"
	}
	return string(m)
}

func (d *drawing) x(lane int) int { return gutter + laneWidth*lane + laneWidth/2 }

// layout finds where each moment is: below the one before by what its text takes, and by the time that
// passed. What is proven stands behind the last event that proves it.
func (d *drawing) layout(broken string) (height, proof float64) {
	d.needs = make([]float64, len(d.Moments)+1)
	for i := range d.needs {
		d.needs[i] = rowHeight / 2
	}
	last := -1
	for _, m := range d.Marks {
		label := d.label(m)
		d.labels = append(d.labels, label)
		d.needs[m.Begin] = max(d.needs[m.Begin], rowHeight) + float64(lineHeight*(len(label)-1))
		if m.Shape != arrowShape {
			d.needs[m.Begin] += 6
			d.needs[m.Begin+1] = rowHeight + 10 // its box reaches further down than an arrow
		}
		if m.Why == results.MarkWitness {
			last = max(last, m.Begin, m.End)
		}
	}
	y := float64(topHeight)
	for i, w := range d.waits() {
		y += d.needs[i] + w.Space
		d.y = append(d.y, y)
		if i == last && broken != "" {
			lines := len(wrap("✗ "+broken, d.width/8))
			proof = y + 34 + float64(lineHeight*(lines-1))
			y = proof + 16
		}
	}
	return y + 24, proof
}

// label is the text of a mark, broken so that it is whole and fits.
func (d *drawing) label(m mark) []string {
	room := laneWidth
	if m.Shape == arrowShape {
		room = laneWidth * max(1, min(2, abs(m.From-m.To)))
	}
	out := fold(m.Label, inLane(room-28))
	switch m.Why {
	case results.MarkFault:
		out[0] = "↯ " + out[0]
	case results.MarkWitness:
		out[0] = "▶ " + out[0]
	}
	if m.Key != "" {
		key := fold(m.Key, inLane(laneWidth)-4)
		key[0] = keyMark + key[0]
		out = append(out, key...)
	}
	return out
}

// inLane is how many characters fit into so many pixels.
func inLane(pixels int) int { return int(float64(pixels) / charWidth) }

// fold is wrap that also breaks what is too long for a line, where it can behind a sign.
func fold(s string, width int) []string {
	var out []string
	for _, line := range wrap(s, width) {
		for rs := []rune(line); ; rs = []rune(line) {
			if len(rs) <= width {
				out = append(out, line)
				break
			}
			at := width
			for i := width; i > width/2; i-- {
				if strings.ContainsRune("/:-_.,;&?=", rs[i-1]) {
					at = i
					break
				}
			}
			out, line = append(out, string(rs[:at])), string(rs[at:])
		}
	}
	return out
}

// keyMark stands before an idempotency key.
const keyMark = "key "

func abs(n int) int { return max(n, -n) }

// waited writes the times beside the moments, and what passed between them.
func (d *drawing) waited() {
	written := -100.0
	for i, w := range d.waits() {
		y := d.y[i]
		if middle := y - d.needs[i] - w.Space/2; w.Broken {
			fmt.Fprintf(d, `<g class="broken"><title>%s pass: more than is drawn</title><path d="M%d %.0fh%d"/><text class="wait" x="%d" y="%.0f">⋮ %s</text></g>`,
				longText(w.Long), gutter-8, middle, d.width-gutter, gutter-14, middle+4, longText(w.Long))
		} else if w.Space > 34 {
			fmt.Fprintf(d, `<text class="wait" x="%d" y="%.0f">+%s</text>`, gutter-14, middle+4, longText(w.Long))
		}
		if y-written >= lineHeight {
			fmt.Fprintf(d, `<text class="time" x="%d" y="%.0f">%s</text>`, gutter-14, y+4, longText(d.Moments[i]))
			written = y
		}
	}
}

func (d *drawing) mark(m mark, label []string) {
	y := d.y[m.Begin]
	switch m.Shape {
	case arrowShape:
		d.arrow(m, label, y, d.y[m.End])
	case effectShape:
		fmt.Fprintf(d, `<circle cx="%d" cy="%.0f" r="5"/>`, d.x(m.From), y-float64(lineHeight*(len(label)-1))-15)
		d.box("", label, d.x(m.From), y+3)
	default:
		d.box("", label, d.x(m.From), y)
	}
}

// box writes a text in a box whose last line is at y, within the drawing.
func (d *drawing) box(class string, lines []string, x int, y float64) {
	w := 0
	for _, text := range lines {
		w = max(w, int(float64(twwidth.Width(text))*charWidth)+14)
	}
	left := max(gutter, min(x-w/2, d.width-w-2))
	more := float64(lineHeight * (len(lines) - 1))
	fmt.Fprintf(d, `<rect class="box %s" x="%d" y="%.0f" width="%d" height="%.0f" rx="4"/>`, class, left, y-10-more, w, 20+more)
	d.lines(class, lines, left+w/2, y+4)
}

// lines writes a text whose last line is at y.
func (d *drawing) lines(class string, lines []string, x int, y float64) {
	for i, text := range lines {
		if i > 0 && strings.HasPrefix(text, keyMark) {
			class = "key"
		}
		fmt.Fprintf(d, `<text class="%s" x="%d" y="%.0f">%s</text>`, class, x, y-float64(lineHeight*(len(lines)-1-i)), html.EscapeString(text))
	}
}

// arrow is slanted where it takes time to arrive; what is lost ends in a cross.
func (d *drawing) arrow(m mark, label []string, y, end float64) {
	from, to, dir := d.x(m.From), d.x(m.To), 1
	if to < from {
		dir = -1
	}
	tip := to - 2*dir
	if m.Lost || m.Cut {
		tip = to - dir*14
	}
	fmt.Fprintf(d, `<path class="line" d="M%d %.0fL%d %.0f"/>`, from, y, tip, end)
	if m.Lost || m.Cut {
		fmt.Fprintf(d, `<path class="cross" d="M%d %.0fl10 10m0 -10l-10 10"/>`, tip-5, end-5)
	} else {
		fmt.Fprintf(d, `<path class="tip" d="M%d %.0fl%d -5v10z"/>`, tip, end, -9*dir)
	}
	at := from + dir*min(abs(to-from), laneWidth)/2 // beside where it leaves, where nothing else is
	if abs(m.From-m.To) == 2 && m.Key == "" {
		at = (from + to) / 2
	}
	d.lines("", label, at, y-5)
}
