package reports_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/internal/testbrowser"
	"github.com/sagacheck/sagacheck/reports"
	"github.com/sagacheck/sagacheck/results"
)

// visit opens the page of a run from a file, as an artefact of a CI is opened.
func visit(t *testing.T, r *results.Run) *testbrowser.Browser {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, results.HTMLFile), []byte(page(t, r)), 0o644); err != nil {
		t.Fatal(err)
	}
	b := testbrowser.Open(t, "file://"+dir)
	b.Visit("/" + results.HTMLFile)
	return b
}

// holds says which scripts do not come to true.
func holds(t *testing.T, b *testbrowser.Browser, scripts ...string) {
	t.Helper()
	for _, script := range scripts {
		if !b.Holds(script) {
			t.Errorf("not so: %s", script)
		}
	}
}

func TestPageFiltersByKeyboard(t *testing.T) {
	b := visit(t, samples.Red())
	const shown = `[...document.querySelectorAll(".finding")].filter((f) => !f.hidden)`
	holds(t, b, shown+`.length > 1`)
	b.Fill("Scenario allordersingle-steptransfer", "single")
	holds(t, b, shown+`.length === 1`, shown+`[0].dataset.scenario === "single-step"`, `location.hash === "#?scenario=single-step"`,
		`document.querySelector("output").value === "1 of 3 findings"`,
		`[...document.querySelectorAll(".cells tbody tr")].every((r) => r.hidden === (r.dataset.scenario !== "single-step"))`)
	b.TabTo("Show all")
	b.Press(kb.Enter)
	b.Await(func() bool { return b.Holds(shown + `.length > 1 && location.hash === ""`) }, "more findings")
	b.Clean()
}

func TestPageOpensWhatALinkNames(t *testing.T) {
	b := visit(t, samples.Red())
	id := findings(page(t, samples.Red()), "duplicate-effect-single-step")[0]
	holds(t, b, fmt.Sprintf(`!document.getElementById(%q).open`, id))
	b.Visit("/" + results.HTMLFile + "#" + id)
	holds(t, b, fmt.Sprintf(`document.getElementById(%q).open`, id), fmt.Sprintf(`document.activeElement.closest("details").id === %q`, id))
	b.Visit("/" + results.HTMLFile + "#?fault=lose&step=charge")
	b.Await(func() bool { return b.Holds(`document.querySelector("form").elements.step.value === "charge"`) }, "filter")
	holds(t, b, `document.querySelector("output").value !== ""`)
	b.Clean()
}

// In a timeline the arrow keys go from event to event, and each is told in words.
func TestPageTimelineByKeyboard(t *testing.T) {
	b := visit(t, samples.Red())
	for range 80 {
		b.Press(kb.Tab)
		if b.Holds(`!!document.activeElement.closest(".sequence")`) {
			break
		}
	}
	const told = `document.querySelector(".told").textContent`
	b.Press(kb.ArrowDown)
	b.Press(kb.ArrowDown)
	holds(t, b, `document.querySelectorAll(".sequence g[tabindex='0']").length === document.querySelectorAll(".sequence").length`,
		told+` === document.activeElement.querySelector("title").textContent`, told+`.includes("reserve#1")`)
	b.Clean()
}

// On A4, with margins of a centimetre, nothing is cut off at the right, and nothing is dark.
func TestPageOnPaper(t *testing.T) {
	r := samples.Red()
	for i := range 3 {
		step := r.Maps[0].Steps[2]
		step.After = []string{step.Name}
		if i > 0 {
			step.After = []string{fmt.Sprint("later-", i-1)}
		}
		step.Name = fmt.Sprint("later-", i)
		r.Maps[0].Steps = append(r.Maps[0].Steps, step)
	}
	b := visit(t, r)
	b.Print(718)
	holds(t, b, `matchMedia("print").matches`, `document.documentElement.scrollWidth <= 718`,
		`[...document.querySelectorAll("svg, table, code")].every((e) => e.getBoundingClientRect().right <= 718)`,
		`getComputedStyle(document.body).backgroundColor === "rgb(255, 255, 255)"`)
	b.Clean()
}

// In the window of a telephone the page is no wider than that, and no text of a table lies over the next one's.
func TestPageInANarrowWindow(t *testing.T) {
	b := visit(t, samples.Red())
	b.Wide(420)
	holds(t, b, `(document.querySelectorAll("details").forEach((d) => { d.open = true; }), document.documentElement.scrollWidth <= 420)`,
		`[...document.querySelectorAll("th, td")].every((e) => e.scrollWidth <= e.clientWidth + 1)`)
	b.Clean()
}

func TestPageRunsNoScriptOfOthers(t *testing.T) {
	b := visit(t, hostileRun())
	holds(t, b, `document.querySelectorAll("script").length === 1`, `!document.querySelector("img")`,
		`(() => { document.body.insertAdjacentHTML("beforeend", "<b id=x onclick='window.ran = true'></b>"); document.getElementById("x").click(); return !window.ran })()`)
	if text := b.Text(); !strings.Contains(text, "alert(1)") {
		t.Error("what they said is not to be read")
	}
}

// manyCells is a run whose lists are as long as they get.
func manyCells(n int) *results.Run {
	c := results.New(samples.Meta())
	h := samples.LostAnswer()
	for i := range n {
		v := samples.Pass("duplicate-effect", 1)
		if i%3 == 0 {
			v = samples.Duplicate(h)
		}
		c.Add(results.CellInfo{ID: fmt.Sprintf("c%d", i), Scenario: fmt.Sprintf("s%d", i%40)}, h, []checkers.Verdict{v, samples.Pass("lost-compensation", 1)})
	}
	return c.Finish()
}

// Ten thousand cells are filtered as one is.
func TestPageOfManyCells(t *testing.T) {
	b := visit(t, manyCells(10000))
	holds(t, b, `document.querySelectorAll(".cells tbody tr").length === 10000`)
	b.Visit("/" + results.HTMLFile + "#?scenario=s7")
	b.Await(func() bool {
		return b.Holds(`[...document.querySelectorAll(".cells tbody tr")].filter((r) => !r.hidden).length === 250`)
	}, "cells of s7")
	b.Clean()
}

// BenchmarkOpen is how long it takes a browser to open the page of ten thousand cells, and to lay it out.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	var text strings.Builder
	if err := reports.HTML(&text, manyCells(10000)); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, results.HTMLFile), []byte(text.String()), 0o644); err != nil {
		b.Fatal(err)
	}
	browser := testbrowser.Open(b, "file://"+dir)
	for b.Loop() {
		browser.Go("/" + results.HTMLFile)
		if !browser.Holds(`(document.querySelector(".cells").closest("details").open = true) && document.body.scrollHeight > 50000`) { // it is laid out
			b.Fatal("no cells")
		}
	}
	b.ReportMetric(float64(text.Len())/1e6, "MB")
}
