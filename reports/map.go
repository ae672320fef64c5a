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
	signWidth   = 6.7
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
				for _, f := range t.PlanFaults {
					if p.links[f.At] == "" {
						p.links[f.At] = t.ID
					}
				}
			}
		}
		p.Map.Points = slices.DeleteFunc(slices.Clone(m.Points), func(x results.Point) bool {
			return x.At.Step == saga.SubmitStep && !struckAt(m, saga.SubmitStep) // it may not be on the wire at all
		})
		struck, broke := 0, 0
		for _, x := range p.Points {
			if x.Struck > 0 {
				struck++
			}
			if x.Broke > 0 {
				broke++
			}
		}
		p.Count = fmt.Sprintf("%s reached, %d struck, %d where something broke", words.Plural(len(p.Points), "point"), struck, broke)
		out = append(out, p)
	}
	return out
}

// struckAt tells whether a fault fired at a step of that name.
func struckAt(m results.Map, step string) bool {
	return slices.ContainsFunc(m.Points, func(x results.Point) bool { return x.At.Step == step && x.Struck > 0 })
}

// attempt is one row of a step.
type attempt struct {
	ref saga.StepRef
	n   int
}

// name is what is written beside the row, within the box of its step: undo#2.
func (a attempt) name(step string) string {
	return fmt.Sprintf("%s#%d", strings.TrimPrefix(strings.TrimPrefix(a.ref.String(), step), "."), a.n)
}

// has tells whether an attempt has that phase: what happens inside the orchestrator is no failure point, and the
// address to which services call back is its own.
func (a attempt) has(phase saga.Phase) bool {
	_, back := saga.CutCallback(a.ref.Step)
	switch phase {
	case saga.Receive, saga.Commit:
		return !saga.Inbound(a.ref.Step)
	case saga.Connect:
		return !back
	}
	return true
}

// mapDrawing is a map in SVG.
type mapDrawing struct {
	strings.Builder
	mapPage
	points map[saga.FailurePoint]results.Point
	names  int // how wide those of attempts are
}

// stepWidth is how wide each box is.
func (d *mapDrawing) stepWidth() int { return d.names + len(saga.Phases)*pointWidth + 8 }

// svg draws the saga's graph: steps from left to right, each after those that come before it, with a row for
// each attempt and a column for each phase.
func (p mapPage) svg() string {
	d := &mapDrawing{mapPage: p, points: map[saga.FailurePoint]results.Point{}}
	for _, x := range p.Points {
		d.points[x.At] = x
	}
	for _, s := range d.steps() {
		for _, a := range d.attempts(s) {
			d.names = max(d.names, 58, int(float64(len(a.name(s.Name)))*signWidth)+12)
		}
	}
	stepWidth := d.stepWidth()
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

// steps are those of the sagas, behind the client's own call if that was struck, and then whatever else was:
// services that are asked what they did.
func (d *mapDrawing) steps() []results.MapStep {
	out := slices.Clone(d.Steps)
	for _, p := range d.Points {
		step := results.StepName(p.At.Step)
		if step != saga.SubmitStep && !slices.ContainsFunc(out, func(s results.MapStep) bool { return s.Name == step }) {
			out = append(out, results.MapStep{Name: step, Kind: "read-back"})
		}
	}
	if !struckAt(d.Map, saga.SubmitStep) {
		return out
	}
	for i := range out {
		if len(out[i].After) == 0 && i < len(d.Steps) {
			out[i].After = []string{saga.SubmitStep}
		}
	}
	return append([]results.MapStep{{Name: saga.SubmitStep, Kind: "by the client"}}, out...)
}

// attempts are those that were reached, and the first of each direction in any case.
func (d *mapDrawing) attempts(s results.MapStep) []attempt {
	most := map[saga.StepRef]int{{Step: s.Name, Direction: saga.Action}: 1}
	if s.Undo {
		most[saga.StepRef{Step: s.Name, Direction: saga.Compensation}] = 1
	}
	for _, p := range d.Points {
		if results.StepName(p.At.Step) == s.Name {
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
	rows, stepWidth := d.attempts(s), d.stepWidth()
	name := fold(s.Name, stepWidth/8)[0]
	fmt.Fprintf(d, `<g><title>%s (%s)</title><rect class="step" x="%d" y="%d" width="%d" height="%d" rx="6"/><text class="name" x="%d" y="%d">%s</text>`,
		html.EscapeString(s.Name), html.EscapeString(string(s.Kind)), x, y, stepWidth, stepHead+pointHeight*len(rows)+4, x+8, y+17, html.EscapeString(name))
	if s.Kind != saga.Compensatable && len(name) < 14 {
		fmt.Fprintf(d, `<text class="kind" x="%d" y="%d">%s</text>`, x+stepWidth-8, y+17, html.EscapeString(string(s.Kind)))
	}
	for i, phase := range saga.Phases {
		fmt.Fprintf(d, `<text class="phase" x="%d" y="%d">%s</text>`, x+d.names+i*pointWidth+pointWidth/2, y+34, pointShort[phase])
	}
	d.WriteString("</g>")
	for i, a := range rows {
		top := y + stepHead + i*pointHeight
		fmt.Fprintf(d, `<text class="attempt" x="%d" y="%d">%s</text>`, x+d.names-6, top+14, html.EscapeString(a.name(s.Name)))
		for j, phase := range saga.Phases {
			if a.has(phase) {
				d.point(a.ref.At(a.n, phase), x+d.names+j*pointWidth, top)
			}
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
