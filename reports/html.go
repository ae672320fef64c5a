package reports

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/results"
)

//go:embed report.html.tmpl
var htmlSource string

var htmlTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"upper":     strings.ToUpper,
	"ms":        func(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d)/1e6) },
	"undecided": func(f results.Failure) bool { return f.Verdict == checkers.Inconclusive },
	"diagram":   func(s results.Story) template.HTML { return template.HTML(svg(s)) },
	"quote":     QuotePath,
	"planLine":  planLine,
}).Parse(htmlSource))

// htmlPage is what the template sees.
type htmlPage struct {
	*results.Run
	Headline string
	Tone     tone
	Tables   []table
	Risk     []cell
	Clauses  table
	Broken   []group
	Advised  []group
	Trouble  table
	Facts    table
}

// HTML writes report.html: one page with everything in it, without scripts
// and without anything to load.
func HTML(w io.Writer, r *results.Run) error {
	page := htmlPage{Run: r, Headline: headline(r), Tone: stateTones[r.Summary.Outcome], Tables: tables(r), Facts: facts(r)}
	page.Broken, page.Advised = groups(r, r.Failures), groups(r, r.Advice)
	if len(r.Results) > 0 {
		page.Risk = riskLines(r, false)
		page.Clauses, _ = clauseTable(r)
	}
	page.Trouble, _ = troubledTable(r)
	return htmlTemplate.Execute(w, page)
}
