package reports_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/results"
	"github.com/sagacheck/sagacheck/saga"
)

// Each point says what came of it, and one that broke something leads to the finding.
func TestMapOfPoints(t *testing.T) {
	text := page(t, samples.Red())
	for _, want := range []string{
		`<a href="#` + findings(text, "duplicate-effect-order")[0] + `" aria-label="charge#1@response: struck in 2 cells, in 2 of which something broke">`,
		`<g class="broke"><title>charge#1@response: struck`,
		`<g class="reached"><title>charge#2@response: reached in 2 cells, and never struck`,
		`<g class="unreached"><title>ship#1@commit: not reached`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the map lacks %s", want)
		}
	}
	_, drawn, _ := strings.Cut(text, `<svg class="map"`)
	drawn, _, _ = strings.Cut(drawn, "</svg>")
	if n := len(regexp.MustCompile(`class="edge"`).FindAllString(drawn, -1)); n != 2 {
		t.Errorf("%d edges, want 2: reserve, charge, ship", n)
	}
}

// The client's own call is there if it was struck, with the phases that it has, and so are callbacks and whatever
// else was struck.
func TestMapOfOtherCalls(t *testing.T) {
	r := samples.Red()
	if text := page(t, r); strings.Contains(text, "submit#1@") {
		t.Error("the client's call was not struck")
	}
	at := func(point string, struck int) results.Point {
		p, err := saga.ParseFailurePoint(point)
		if err != nil {
			t.Fatal(err)
		}
		return results.Point{At: p, Reached: 2, Struck: struck}
	}
	m := &r.Maps[0]
	m.Points = append(m.Points, at("submit#1@request", 1), at("submit#1@connect", 0), at("charge.undo(2).callback#1@request", 1), at("shipped#1@response", 1))
	text := page(t, r)
	for _, want := range []string{
		`<title>submit#1@request: struck in 1 cell, and nothing broke`, `<title>submit#1@connect: reached in 2 cells, and never struck`,
		`<title>charge.undo(2).callback#1@request: struck`, `undo(2).callback#1</text>`, `<title>shipped#1@response: struck`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the map lacks %s", want)
		}
	}
	for _, none := range []string{"submit#1@receive", "submit#1@commit", "callback#1@connect", "callback#1@receive"} {
		if strings.Contains(text, none) {
			t.Errorf("there is no %s", none)
		}
	}
}

// A point of which no cell could be judged is no green one.
func TestMapOfWhatIsOpen(t *testing.T) {
	r := samples.Red()
	for i := range r.Maps[0].Points {
		if p := &r.Maps[0].Points[i]; p.At.String() == "charge#2@response" {
			p.Struck, p.Open = 2, 2
		}
	}
	if text := page(t, r); !strings.Contains(text, `<g class="reached"><title>charge#2@response: struck in 2 cells, of which none could be judged`) {
		t.Error("it is not said")
	}
}
