package reports_test

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
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
	f.PlanFaults = []history.PlannedFault{{Kind: hostile, Steps: []string{hostile}, Text: hostile}}
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

// findings are the names of those that begin with a property and a scenario.
func findings(page, of string) []string {
	var out []string
	for _, m := range regexp.MustCompile(` id="(finding-`+of+`-[0-9a-f]{8})"`).FindAllStringSubmatch(page, -1) {
		out = append(out, m[1])
	}
	return out
}

// A link to a finding leads to it in the next run too, whose cells have other names, and once it is shrunk; what was broken by another
// plan, or together with something else, is another finding.
func TestLinksLastBeyondARun(t *testing.T) {
	r := samples.Red()
	first := findings(page(t, r), "duplicate-effect-order")
	for i := range r.Failures {
		r.Failures[i].Cell += "-of-the-next-run"
	}
	next := findings(page(t, r), "duplicate-effect-order")
	if len(first) != 1 || !slices.Equal(first, next) {
		t.Errorf("%q, and in the next run %q", first, next)
	}
	r.Failures[0].Plan, r.Failures[0].ShrunkFrom = "a part of it", r.Failures[0].Plan+"; 3 steps"
	if shrunk := findings(page(t, r), "duplicate-effect-order"); !slices.Equal(first, shrunk) {
		t.Errorf("%q, and once it is shrunk %q", first, shrunk)
	}
	r.Failures[0].Plan, r.Failures[0].ShrunkFrom = "another", ""
	plan := findings(page(t, r), "duplicate-effect-order")
	r.Failures[0].Also = []string{"lost-compensation"}
	if set := findings(page(t, r), "duplicate-effect-order"); slices.Equal(first, plan) || slices.Equal(plan, set) {
		t.Errorf("%q, %q, %q", first, plan, set)
	}
}

// Each cause says in how many cells it was, and not how many there are of all.
func TestCountsOfCauses(t *testing.T) {
	c := results.New(samples.Meta())
	h := samples.LostAnswer()
	one := samples.Duplicate(h)
	both := one
	both.Property = "lost-compensation"
	for i, v := range [][]checkers.Verdict{{one, both}, {one, both}, {one}, {one}, {one}} {
		c.Add(results.CellInfo{ID: fmt.Sprint("c", i)}, h, v)
	}
	text := page(t, c.Finish())
	for _, want := range []string{"broken in 2 cells of order", "broken in 3 cells of order"} {
		if strings.Count(text, want) != 1 {
			t.Errorf("%q is said %d times", want, strings.Count(text, want))
		}
	}
}

// A mark of the matrix leads to what it tells of, also where its property is told under another one.
func TestMarksLeadToFindings(t *testing.T) {
	text := page(t, samples.OneCause())
	for _, property := range []string{"duplicate-effect", "lost-compensation"} {
		if !regexp.MustCompile(`<a href="#` + findings(text, property+"-order")[0] + `" aria-label="` + property + ` in order`).MatchString(text) {
			t.Errorf("the mark of %s leads elsewhere", property)
		}
	}
}
