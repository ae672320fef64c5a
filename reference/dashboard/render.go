package dashboard

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/internal/pages"
	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

//go:embed pages
var files embed.FS

var funcs = template.FuncMap{
	"sagaPath": sagaPath,
	"moment":   func(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05.000") },
	"iso":      func(at time.Time) string { return at.UTC().Format(time.RFC3339Nano) },
	"operation": func(step string, d saga.Direction) string {
		if d == saga.Compensation {
			return "undo of " + step
		}
		return step
	},
	"plain": plain,
	"title": func(a saga.Act) string { return actTitles[a] },
	"join":  strings.Join,
	"of":    func(all []reference.AuditEntry, sagas bool) entries { return entries{all, sagas} },
}

// entries are a table of the audit.
type entries struct {
	Entries []reference.AuditEntry
	Sagas   bool // it says of which saga each is
}

// templates are all pages, and what frames them. They are read when somebody looks: most executors
// live for a moment only, in a run, and nobody does.
var templates = sync.OnceValue(func() *template.Template {
	own := template.Must(template.New("").Funcs(funcs).ParseFS(files, "pages/*.html"))
	return template.Must(own.ParseFS(pages.Templates, "templates/*.html"))
})

// sagaPath is where a saga is shown, whatever its id is.
func sagaPath(id string) string { return "/dashboard/saga/" + url.PathEscape(id) }

// framed is what the frame of a page is told.
type framed struct {
	Title string
	Page  string
	// Public: it is for an end user, who is shown no way to the other pages.
	Public bool
	Data   any
}

// render answers with a page.
func (p *site) render(w http.ResponseWriter, code int, name, title string, data any) {
	var text bytes.Buffer
	f := framed{Title: title, Page: name, Public: strings.HasPrefix(name, "progress") || name == "login", Data: data}
	body, err := fragment(name, data)
	if err == nil {
		err = templates().ExecuteTemplate(&text, "frame", struct {
			framed
			Body template.HTML
		}{f, template.HTML(body)}) // it comes from a template, which has escaped what is in it
	}
	if err != nil { // a mistake of ours
		http.Error(w, "the page can't be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(text.Bytes()) // a client that left needs no answer
}

// fragment is a part of a page.
func fragment(name string, data any) (string, error) {
	var text bytes.Buffer
	if err := templates().ExecuteTemplate(&text, name, data); err != nil {
		return "", fmt.Errorf("page %s: %w", name, err)
	}
	return text.String(), nil
}

// follow sends a part of a page each time that it has changed, while the executor is open.
func (p *site) follow(e Executor, w http.ResponseWriter, r *http.Request, part func() (string, error)) {
	p.streams.Follow(w, r, pages.Part{Question: pages.Question{Of: e, Address: r.URL.String()}, See: func() (string, error) {
		text, err := part()
		if err == nil && e.Condition().Status == "closed" {
			err = errClosed
		}
		return text, err
	}})
}

var errClosed = errors.New("the executor is closed")

// problem answers that something can't be shown or done.
func (p *site) problem(w http.ResponseWriter, code int, detail string) {
	p.render(w, code, "problem", http.StatusText(code), detail)
}

// failed answers with an error.
func (p *site) failed(w http.ResponseWriter, err error) {
	code, detail := p.Describe(err)
	p.problem(w, code, detail)
}
