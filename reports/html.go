package reports

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
)

//go:embed report.html.tmpl
var htmlSource string

var htmlTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"upper":     strings.ToUpper,
	"ms":        func(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d)/1e6) },
	"undecided": func(f Failure) bool { return f.Verdict == checkers.Inconclusive },
	"diagram":   func(s Story) template.HTML { return template.HTML(s.svg()) },
	"quote":     QuotePath,
	"planLine":  planLine,
}).Parse(htmlSource))

// htmlPage is what the template sees.
type htmlPage struct {
	*Run
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

// WriteHTML writes report.html: one page with everything in it, without scripts
// and without anything to load.
func (r *Run) WriteHTML(w io.Writer) error {
	page := htmlPage{Run: r, Headline: r.headline(), Tone: stateTones[r.Summary.Outcome], Tables: r.tables(), Facts: r.facts()}
	page.Broken, page.Advised = r.groups(r.Failures), r.groups(r.Advice)
	if len(r.Results) > 0 {
		page.Risk = r.riskLines(false)
		page.Clauses, _ = r.clauseTable()
	}
	page.Trouble, _ = r.troubledTable()
	return htmlTemplate.Execute(w, page)
}
