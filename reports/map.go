package reports

import (
	"fmt"
	"html"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/internal/words"
	"github.com/sagacheck/sagacheck/results"
	"github.com/sagacheck/sagacheck/saga"
)

// Measures of a map, in pixels.
const (
	pointWidth  = 24
	pointHeight = 20
	nameWidth   = 58 // of an attempt
	stepWidth   = nameWidth + 5*pointWidth + 8
	stepGap     = 44
	stepHead    = 40
)

// pointShort are the heads of the columns: the phases, short.
var pointShort = map[saga.Phase]string{saga.Connect: "con", saga.Request: "req", saga.Receive: "rec", saga.Commit: "com", saga.Response: "res"}

// mapLegend explains the signs of a map.
const mapLegend = "✗ struck, and something broke in one of those cells · ✓ struck, and nothing broke · ? struck, and what came of it could not be judged · ○ reached, and never struck · no sign: not reached"

// mapPage is the map of one scenario.
type mapPage struct {
	results.Map
	Count string
	links map[saga.FailurePoint]string // to findings
}

// mapPages are those of a run, with a link from each point to the smallest finding whose plan strikes it.
func mapPages(r *results.Run, found []*cause) []mapPage {
	var out []mapPage
	for _, m := range r.Maps {
		p := mapPage{Map: m, links: map[saga.FailurePoint]string{}}
		for _, c := range found {
			if c.Scenario != m.Scenario {
				continue
			}
			for _, t := range c.plans() {
				for _, at := range pointsOf(t.Plan) {
					if p.links[at] == "" {
						p.links[at] = t.ID
					}
				}
			}
		}
		struck, broke := 0, 0
		for _, x := range m.Points {
			if x.Struck > 0 {
				struck++
			}
			if x.Broke > 0 {
				broke++
			}
		}
		p.Count = fmt.Sprintf("%s reached, %d struck, %d where something broke", words.Plural(len(m.Points), "point"), struck, broke)
		out = append(out, p)
	}
	return out
}

// pointsOf are the failure points that a plan in words strikes.
func pointsOf(plan string) []saga.FailurePoint {
	var out []saga.FailurePoint
	for _, m := range faultPoint.FindAllString(plan, -1) {
		if at, err := saga.ParseFailurePoint(m); err == nil {
			out = append(out, at)
		}
	}
	return out
}

// attempt is one row of a step.
type attempt struct {
	ref saga.StepRef
	n   int
}

// mapDrawing is a map in SVG.
type mapDrawing struct {
	strings.Builder
	mapPage
	points map[saga.FailurePoint]results.Point
}

// svg draws the saga's graph: steps from left to right, each after those that come before it, with a row for
// each attempt and a column for each phase.
func (p mapPage) svg() string {
	d := &mapDrawing{mapPage: p, points: map[saga.FailurePoint]results.Point{}}
	for _, x := range p.Points {
		d.points[x.At] = x
	}
	level, x, y := d.levels(), map[string]int{}, map[string]int{}
	bottom := map[int]int{}
	width, height := 0, 0
	for _, s := range d.steps() {
		l := level[s.Name]
		x[s.Name], y[s.Name] = 4+l*(stepWidth+stepGap), 4+bottom[l]
		bottom[l] += stepHead + pointHeight*len(d.attempts(s)) + 22
		width, height = max(width, x[s.Name]+stepWidth+4), max(height, bottom[l])
	}
	fmt.Fprintf(d, `<svg class="map" viewBox="0 0 %d %d" width="%d" height="%d" role="group" aria-label="failure points of %s">`, width, height, width, height, html.EscapeString(p.Scenario))
	for _, s := range d.steps() { // below the boxes
		for _, before := range s.After {
			if _, there := x[before]; there {
				x1, y1, x2, y2 := x[before]+stepWidth, y[before]+14, x[s.Name]-7, y[s.Name]+14
				fmt.Fprintf(d, `<path class="edge" d="M%d %dC%d %d %d %d %d %d"/><path class="tip" d="M%d %dl-8 -4v8z"/>`, x1, y1, x1+stepGap/2, y1, x2-stepGap/2, y2, x2, y2, x2+7, y2)
			}
		}
	}
	for _, s := range d.steps() {
		d.step(s, x[s.Name], y[s.Name])
	}
	d.WriteString("</svg>")
	return d.String()
}

// levels are how many steps come before each, one after the other.
func (d *mapDrawing) levels() map[string]int {
	level := map[string]int{}
	steps := d.steps()
	for range steps { // whatever their order is
		for _, s := range steps {
			for _, before := range s.After {
				level[s.Name] = max(level[s.Name], min(level[before]+1, len(steps)))
			}
		}
	}
	return level
}

// steps are those of the sagas, behind the client's own call if that was struck.
func (d *mapDrawing) steps() []results.MapStep {
	if !slices.ContainsFunc(d.Points, func(p results.Point) bool { return p.At.Step == saga.SubmitStep }) {
		return d.Steps
	}
	out := []results.MapStep{{Name: saga.SubmitStep, Kind: "by the client"}}
	for _, s := range d.Steps {
		if len(s.After) == 0 {
			s.After = []string{saga.SubmitStep}
		}
		out = append(out, s)
	}
	return out
}

// attempts are those that were reached, and the first of each direction in any case.
func (d *mapDrawing) attempts(s results.MapStep) []attempt {
	most := map[saga.StepRef]int{{Step: s.Name, Direction: saga.Action}: 1}
	if s.Undo {
		most[saga.StepRef{Step: s.Name, Direction: saga.Compensation}] = 1
	}
	for _, p := range d.Points {
		if step, _ := saga.CutCallback(p.At.Step); step == s.Name {
			most[p.At.Ref()] = max(most[p.At.Ref()], p.At.Attempt)
		}
	}
	var out []attempt
	for ref, n := range most {
		for i := range n {
			out = append(out, attempt{ref, i + 1})
		}
	}
	slices.SortFunc(out, func(a, b attempt) int {
		if c := strings.Compare(a.ref.String(), b.ref.String()); c != 0 {
			return c
		}
		return a.n - b.n
	})
	return out
}

func (d *mapDrawing) step(s results.MapStep, x, y int) {
	rows := d.attempts(s)
	name := fold(s.Name, stepWidth/8)[0]
	fmt.Fprintf(d, `<g><title>%s (%s)</title><rect class="step" x="%d" y="%d" width="%d" height="%d" rx="6"/><text class="name" x="%d" y="%d">%s</text>`,
		html.EscapeString(s.Name), html.EscapeString(string(s.Kind)), x, y, stepWidth, stepHead+pointHeight*len(rows)+4, x+8, y+17, html.EscapeString(name))
	if s.Kind != saga.Compensatable && len(name) < 14 {
		fmt.Fprintf(d, `<text class="kind" x="%d" y="%d">%s</text>`, x+stepWidth-8, y+17, html.EscapeString(string(s.Kind)))
	}
	for i, phase := range saga.Phases {
		fmt.Fprintf(d, `<text class="phase" x="%d" y="%d">%s</text>`, x+nameWidth+i*pointWidth+pointWidth/2, y+34, pointShort[phase])
	}
	d.WriteString("</g>")
	for i, a := range rows {
		top := y + stepHead + i*pointHeight
		label := strings.TrimPrefix(a.ref.String(), s.Name)
		fmt.Fprintf(d, `<text class="attempt" x="%d" y="%d">%s#%d</text>`, x+nameWidth-6, top+14, html.EscapeString(strings.TrimPrefix(label, ".")), a.n)
		for j, phase := range saga.Phases {
			d.point(a.ref.At(a.n, phase), x+nameWidth+j*pointWidth, top)
		}
	}
}

func (d *mapDrawing) point(at saga.FailurePoint, x, y int) {
	p := d.points[at]
	class, sign, said := "unreached", "", "not reached"
	switch {
	case p.Broke > 0:
		class, sign, said = "broke", "✗", fmt.Sprintf("struck in %s, in %d of which something broke", words.Plural(p.Struck, "cell"), p.Broke)
	case p.Struck > 0 && p.Struck == p.Open:
		class, sign, said = "reached", "?", fmt.Sprintf("struck in %s, of which none could be judged", words.Plural(p.Struck, "cell"))
	case p.Struck > 0:
		class, sign, said = "struck", "✓", fmt.Sprintf("struck in %s, and nothing broke", words.Plural(p.Struck, "cell"))
	case p.Reached > 0:
		class, sign, said = "reached", "○", fmt.Sprintf("reached in %s, and never struck", words.Plural(p.Reached, "cell"))
	}
	link := d.links[at]
	if link != "" {
		fmt.Fprintf(d, `<a href="#%s" aria-label="%s: %s">`, html.EscapeString(link), html.EscapeString(at.String()), said)
	}
	fmt.Fprintf(d, `<g class="%s"><title>%s: %s</title><rect x="%d" y="%d" width="%d" height="%d" rx="3"/>`, class, html.EscapeString(at.String()), said, x+1, y+1, pointWidth-2, pointHeight-2)
	if sign != "" {
		fmt.Fprintf(d, `<text x="%d" y="%d">%s</text>`, x+pointWidth/2, y+14, sign)
	}
	d.WriteString("</g>")
	if link != "" {
		d.WriteString("</a>")
	}
}
