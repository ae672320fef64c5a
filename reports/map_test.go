package reports_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/internal/samples"
)

// Each point says what came of it, and one that broke something leads to the finding.
func TestMapOfPoints(t *testing.T) {
	text := page(t, samples.Red())
	for _, want := range []string{
		`<a href="#finding-duplicate-effect-order-c2" aria-label="charge#1@response: struck in 2 cells, in 2 of which something broke">`,
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
