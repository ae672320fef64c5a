package live

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/pages"
	"github.com/sagacheck/sagacheck/internal/words"
	"github.com/sagacheck/sagacheck/reports"
	"github.com/sagacheck/sagacheck/results"
)

//go:embed pages
var files embed.FS

// templates are read when the first page is shown: most processes show none.
var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.Must(template.New("").Funcs(template.FuncMap{
		"ms":       func(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d)/1e6) },
		"seconds":  seconds,
		"plural":   words.Plural,
		"cellPath": cellPath,
		"replayAt": replayPath,
		"replay":   replayFile,
		"quote":    reports.QuotePath,
		"brief":    brief,
		"verdict":  func(c results.Cell) string { return cmp.Or(string(c.Verdict), string(results.Errored)) },
		"faults":   faultsFired,
		"open":     func(o checkers.Outcome) bool { return o == checkers.Inconclusive },
	}).ParseFS(files, "pages/*.html")).ParseFS(pages.Templates, "templates/*.html"))
})

// seconds is a time as the last line of a run shows it.
func seconds(d time.Duration) string { return d.Round(time.Second).String() }

// faultsFired is how many faults of so many cells fired; those of an exploration may miss.
func faultsFired(t results.Totals) string {
	fired := fmt.Sprintf("%d fired of %d planned", t.FaultsFired, t.FaultsPlanned)
	probes := fmt.Sprintf("%d of %s hit", t.Probes-t.Missed, words.Plural(t.Probes, "probe"))
	switch {
	case t.Probes == 0:
		return fired
	case t.FaultsPlanned == 0:
		return probes
	}
	return fired + ", " + probes
}

// brief is the beginning of a plan in words: that of a cell may be long, and its page has all of it.
func brief(plan string) string {
	if r := []rune(plan); len(r) > longPlan {
		return string(r[:longPlan]) + "…"
	}
	return plan
}

// cellPath is where a cell is shown, whatever its id is.
func cellPath(id string) string { return "/cell/" + url.PathEscape(id) }

// site answers with the pages of a run.
type site struct {
	view    *View
	mux     *http.ServeMux
	streams *pages.Streams
}

// Handler answers with the pages of a run, to browsers of this machine.
func Handler(v *View) http.Handler {
	s := &site{view: v, mux: http.NewServeMux(), streams: pages.NewStreams()}
	s.mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		o := v.overview()
		s.render(w, http.StatusOK, "run", o.Title(), o)
	})
	s.mux.HandleFunc("GET /live", func(w http.ResponseWriter, r *http.Request) {
		s.follow(w, r, v.over, func() (string, error) { return fragment("run-live", v.overview()) })
	})
	s.mux.HandleFunc("GET /cell/{id}", s.cell)
	s.mux.HandleFunc("GET /cell/{id}/live", s.liveCell)
	s.mux.HandleFunc("GET /replay", s.replay)
	s.mux.HandleFunc("GET /timeline.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write([]byte(reports.TimelineStyle)) // a browser that left needs no answer
	})
	s.mux.Handle("GET /assets/", pages.Assets("/assets/"))
	s.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		s.render(w, http.StatusNotFound, "problem", "Not found", "there is no such page")
	})
	return s
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	pages.Guard(w.Header())
	if _, here := pages.Here(r.Host); !here {
		http.Error(w, "this name is not that of this server: expected 127.0.0.1", http.StatusMisdirectedRequest)
		return
	}
	s.mux.ServeHTTP(w, r)
}

// follow sends a part of a page each time that it has changed, until the last time.
func (s *site) follow(w http.ResponseWriter, r *http.Request, last <-chan struct{}, see func() (string, error)) {
	s.streams.Follow(w, r, pages.Part{Question: pages.Question{Address: r.URL.Path}, See: see, Last: last})
}

// render answers with a page.
func (s *site) render(w http.ResponseWriter, code int, name, title string, data any) {
	text, err := fragment("frame", map[string]any{"Title": title, "Page": name, "Data": data})
	if err != nil { // a mistake of ours
		http.Error(w, "the page can't be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(text)) // a browser that left needs no answer
}

// fragment is a page, or a part of one.
func fragment(name string, data any) (string, error) {
	var text bytes.Buffer
	err := templates().ExecuteTemplate(&text, name, data)
	return text.String(), err
}

// So many are shown of each list.
const (
	mostRunning  = 50
	mostFinished = 25
	longPlan     = 160 // characters
)

// overview is what the page of the run shows.
type overview struct {
	results.Meta
	Dir        string
	For        time.Duration
	Said       []string
	Phases     []progress
	LeftOut    []results.NotRun
	Totals     results.Totals
	SoFar      results.State
	Rows       []row
	Running    []runningCell // those that run longest first
	AllRunning int
	Finished   []results.Cell // the latest first
	Findings   []shownFinding
	Advice     []shownFinding
	End        *End
	Live       string
}

// Title is what the page is called.
func (o overview) Title() string {
	if o.End != nil {
		return "The run has ended"
	}
	return "The run so far"
}

type row struct {
	Scenario string
	results.Totals
}

type runningCell struct {
	results.CellInfo
	Sagas []string
	For   time.Duration
}

func (v *View) overview() overview {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := time.Now()
	if v.end != nil {
		now = v.end.at
	}
	o := overview{
		Meta: v.meta, Dir: v.dir, For: now.Sub(v.began), Said: slices.Clone(v.said), Totals: v.totals, SoFar: soFar(v.totals),
		AllRunning: len(v.running), End: v.end, Live: "/live",
	}
	o.Phases, o.LeftOut = v.progress(now), slices.Clone(v.leftOut)
	o.Findings, o.Advice = v.shown()
	for _, name := range slices.Sorted(maps.Keys(v.rows)) {
		o.Rows = append(o.Rows, row{name, *v.rows[name]})
	}
	for _, r := range v.longest() {
		o.Running = append(o.Running, runningCell{r.cell, r.sagas(), now.Sub(r.began)})
	}
	for _, e := range slices.Backward(v.finished[max(0, len(v.finished)-mostFinished):]) {
		o.Finished = append(o.Finished, e.Cell)
	}
	return o
}

// longest are cells that run, in the order in which they began.
func (v *View) longest() []*running {
	all := slices.SortedFunc(maps.Values(v.running), func(a, b *running) int { return a.began.Compare(b.began) })
	return all[:min(len(all), mostRunning)]
}

func (r *running) sagas() (ids []string) {
	for _, d := range r.header.Definitions {
		ids = append(ids, d.ID)
	}
	return ids
}

// replayFile is what the smallest failure of its kind is called, whichever that is when it is fetched.
func replayFile(f results.Failure) string {
	f.Cell = "smallest"
	return f.ReplayName()
}

// replayPath is where it is fetched.
func replayPath(f results.Failure) string {
	return "/replay?" + url.Values{"property": {f.Property}, "scenario": {f.Scenario}}.Encode()
}

// replay answers with the replay file of the smallest failure of a property in a scenario.
func (s *site) replay(w http.ResponseWriter, r *http.Request) {
	f, ok := s.view.smallest(r.URL.Query().Get("property"), r.URL.Query().Get("scenario"))
	if !ok {
		s.render(w, http.StatusNotFound, "problem", "Not found", "nothing of this kind was found")
		return
	}
	text, err := f.Replay.Encode("Found by a run that was still going on: sagacheck replay " + reports.QuotePath(replayFile(f)))
	if err != nil {
		s.render(w, http.StatusConflict, "problem", "No replay", err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/yaml")
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", replayFile(f)))
	_, _ = w.Write(text) // a browser that left needs no answer
}
