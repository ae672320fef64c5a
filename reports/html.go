package reports

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/words"
	"github.com/sagacheck/sagacheck/results"
)

//go:embed report.html.tmpl
var htmlSource string

// TimelineStyle is the style sheet of timelines, with the colours that it needs.
//
//go:embed timeline.css
var TimelineStyle string

//go:embed report.css
var htmlStyle string

//go:embed report.js
var htmlScript string

// htmlTemplate is read when the first report is written: most processes write none.
var htmlTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("report").Funcs(template.FuncMap{
		"upper":       strings.ToUpper,
		"join":        func(list []string) string { return strings.Join(list, " ") },
		"ms":          func(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d)/1e6) },
		"css":         func() template.CSS { return template.CSS(TimelineStyle + htmlStyle) },
		"js":          func() template.JS { return template.JS(htmlScript) },
		"diagram":     func(t told) template.HTML { return Timeline(t.Story, provenBy(t.Failure)) },
		"map":         func(p mapPage) template.HTML { return template.HTML(p.svg()) },
		"prevented":   func(property string) string { return preventions()[property] },
		"stronger":    stronger,
		"quote":       QuotePath,
		"link":        results.Link,
		"planLine":    planLine,
		"plural":      words.Plural,
		"kindsOf":     kindsOf,
		"stepsOf":     stepsOf,
		"cellVerdict": cellVerdict,
		"verdictMark": func(t tone) string { return map[tone]string{good: "✓", bad: "✗", warn: "!"}[t] },
	}).Parse(htmlSource))
})

// htmlPage is what the template sees.
type htmlPage struct {
	*results.Run
	Headline   string
	Tone       tone
	ScriptHash string
	Tiles      []tile
	Sections   []section
	Filters    []filter
	Broken     []*cause
	Advised    []*cause
	Weakest    []*weakStep
	Matrix     *matrixPage
	Legend     string
	Promises   []promise
	Maps       []mapPage
	MapLegend  string
	Tables     []table
	Trouble    table
	Blocks     []block
	Facts      table
}

// section is a link to a part of the page.
type section struct{ ID, Text string }

// HTML writes report.html: one page with everything in it, and nothing to load. Its script filters, copies
// and moves; without it all can be read.
func HTML(w io.Writer, r *results.Run) error {
	page := htmlPage{
		Run: r, Headline: Headline(r), Tone: stateTones[r.Summary.Outcome], ScriptHash: scriptHash(), Tiles: tiles(r),
		Broken: causes(r, r.Told(), ""), Advised: causes(r, r.Advice, "advice"), Legend: strings.Join(legend(r), " · "), Facts: facts(r),
	}
	page.Tables = tables(r)
	if len(r.Results) > 0 {
		page.Tables = page.Tables[1:] // the matrix has links here
		page.Matrix = newMatrixPage(r, append(page.Broken, page.Advised...))
		page.Promises = promises(r)
	}
	page.Maps, page.MapLegend = mapPages(r, append(page.Broken, page.Advised...)), mapLegend
	page.Weakest = weakest(page.Broken)
	page.Blocks = blocks(r.Cells)
	page.Trouble, _ = troubledTable(r)
	page.Filters = filters(r, append(page.Broken, page.Advised...))
	page.Sections = page.sections()
	return htmlTemplate().Execute(w, page)
}

// scriptHash lets the browser run the script of ours and no other.
func scriptHash() string {
	sum := sha256.Sum256([]byte(htmlScript))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func (p *htmlPage) sections() []section {
	var out []section
	for _, s := range []struct {
		there bool
		section
	}{
		{len(p.Broken) > 0, section{"findings", "Findings"}},
		{len(p.Weakest) > 0, section{"steps", "Weakest steps"}},
		{p.Matrix != nil, section{"matrix", "Property × scenario"}},
		{len(p.Maps) > 0, section{"map", "Failure points"}},
		{len(p.Promises) > 0, section{"properties", "What it rests on"}},
		{len(p.Tables) > 0, section{"more", "Coverage"}},
		{len(p.Advised) > 0, section{"advice", "Advice"}},
		{len(p.Trouble.Rows) > 0, section{"trouble", "Trouble"}},
		{len(p.Cells) > 0, section{"cells", "Cells"}},
		{true, section{"run", "This run"}},
	} {
		if s.there {
			out = append(out, s.section)
		}
	}
	return out
}

// provenBy is what the witness of a failure proves; nothing where none does.
func provenBy(f results.Failure) string {
	if f.Verdict != checkers.Violation {
		return ""
	}
	return f.Broken
}
