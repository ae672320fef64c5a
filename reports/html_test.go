package reports_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/reports"
	"github.com/sagacheck/sagacheck/results"
)

// hostile is what a saga, a service or an orchestrator may call itself.
const hostile = `</svg></title></details><script>alert(1)</script><img src=x onerror=alert(2)>"'`

// hostileRun says it wherever something that others said is told.
func hostileRun() *results.Run {
	r := samples.Red()
	r.Orchestrator.Name += hostile
	f := &r.Failures[0]
	f.Broken += hostile
	f.Plan += hostile
	f.Step += hostile
	for i := range f.Ledger {
		f.Ledger[i].Name += hostile
	}
	for i := range f.Story.Lines {
		l := &f.Story.Lines[i]
		l.Text += hostile
		l.From += hostile
		if l.To != "" {
			l.To += hostile
		}
		if l.Effect != "" {
			l.Effect += hostile
		}
		if l.Call != nil {
			l.Call.Key += hostile
			l.Call.Attempt += hostile
		}
	}
	for i := range r.Cells {
		r.Cells[i].Plan += hostile
		r.Cells[i].Error += hostile
	}
	return r
}

func page(t *testing.T, r *results.Run) string {
	t.Helper()
	var b bytes.Buffer
	if err := reports.HTML(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestHTML(t *testing.T) {
	text := page(t, samples.Red())
	golden(t, "red.html", []byte(text))
	for _, forbidden := range []string{"http://www", "https://", "ZgotmplZ", "<no value>", "…"} {
		if strings.Contains(text, forbidden) {
			t.Errorf("the page contains %q", forbidden)
		}
	}
}

// What others said is text.
func TestWhatOthersSaidIsNoMarkup(t *testing.T) {
	text := page(t, hostileRun())
	if n := strings.Count(text, "alert(1)"); n < 20 {
		t.Fatalf("it is told %d times only", n)
	}
	if n := strings.Count(text, "<script"); n != 1 {
		t.Errorf("%d scripts, and one is ours", n)
	}
	if strings.Contains(text, "<img") {
		t.Error("an element that is not ours")
	}
}

// The drawing has the whole of every text.
func TestDrawingCutsNoText(t *testing.T) {
	r := samples.Red()
	words := strings.Fields("what was asked for, of whom, and when: a reservation of two seats in the last row, at the price of the first")
	long := strings.Repeat("an-account-of-many-letters/", 5)
	r.Failures[0].Story.Lines[0].Text = strings.Join(words, " ")
	for i := range r.Failures[0].Story.Lines {
		if l := &r.Failures[0].Story.Lines[i]; l.Effect != "" {
			l.Effect = long
		}
	}
	text := page(t, r)
	_, drawing, _ := strings.Cut(text, "<svg")
	drawing, _, _ = strings.Cut(drawing, "</svg>")
	drawing = regexp.MustCompile(`<title>[^<]*</title>`).ReplaceAllString(drawing, "") // it has the text anyway
	drawn := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(drawing, "")
	for _, want := range append(words, long) {
		if !strings.Contains(drawn, want) {
			t.Errorf("%q is not drawn", want)
		}
	}
}

// Each link within the page leads somewhere, and no name is there twice.
func TestLinksLeadSomewhere(t *testing.T) {
	for name, r := range map[string]*results.Run{"red": samples.Red(), "one cause": samples.OneCause(), "mutants": samples.Section("mutants"), "compared": samples.Compared()} {
		text := page(t, r)
		ids := map[string]int{}
		for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(text, -1) {
			if ids[m[1]]++; ids[m[1]] > 1 {
				t.Errorf("%s: id %q is there twice", name, m[1])
			}
		}
		for _, m := range regexp.MustCompile(` href="#([^"]*)"`).FindAllStringSubmatch(text, -1) {
			if ids[m[1]] == 0 {
				t.Errorf("%s: nothing is called %q", name, m[1])
			}
		}
	}
}

// A mark of the matrix leads to what it tells of, also where another property is what was found.
func TestMarksLeadToFindings(t *testing.T) {
	text := page(t, samples.OneCause())
	for _, property := range []string{"duplicate-effect", "lost-compensation"} {
		if !regexp.MustCompile(`<a href="#finding-duplicate-effect-order-c1" aria-label="` + property + ` in order`).MatchString(text) {
			t.Errorf("the mark of %s leads elsewhere", property)
		}
	}
}
