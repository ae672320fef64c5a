package live_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sagacheck/sagacheck/campaign"
	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/testbrowser"
	"github.com/sagacheck/sagacheck/internal/tinyorch"
	"github.com/sagacheck/sagacheck/reports/live"
	"github.com/sagacheck/sagacheck/results"
	"github.com/sagacheck/sagacheck/saga"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var _ campaign.Watcher = (*live.View)(nil)

// host has a campaign shown by a view.
func host(v *live.View) campaign.Host {
	return campaign.Host{
		Tool: "test", Command: "run", Watch: v, Say: v.Say,
		Progress: func(what string, total int) campaign.Progress { return v.Progress(what, total) },
	}
}

func get(t *testing.T, h http.Handler, path string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil)
	r.Host = "127.0.0.1:1"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// shows says which of some words a page lacks.
func shows(t *testing.T, h http.Handler, path string, words ...string) string {
	t.Helper()
	code, page := get(t, h, path)
	if code != http.StatusOK {
		t.Fatalf("%s: %d %s", path, code, page)
	}
	for _, word := range words {
		if !strings.Contains(page, word) {
			t.Errorf("%s: no %q in\n%s", path, word, page)
		}
	}
	return page
}

// held is an orchestrator, with a mistake, that says of its first saga that it still runs until it is let go.
type held struct {
	*tinyorch.Orchestrator
	mu    sync.Mutex
	saga  string
	letGo chan struct{}
}

func (h *held) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if id, asked := strings.CutPrefix(r.URL.Path, "/sagas/"); asked && r.Method == http.MethodGet && h.holds(id) {
		fmt.Fprintf(w, `{"id":%q,"status":"running"}`, id)
		return
	}
	h.Orchestrator.ServeHTTP(w, r)
}

func (h *held) holds(id string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.saga == "" && id != "sagacheck-probe" {
		h.saga = id
	}
	select {
	case <-h.letGo:
		return false
	default:
		return id == h.saga
	}
}

// open starts a run of an orchestrator that uses a fresh key for each attempt, of which one cell does
// not end before it is let go. The run has come to its end when done says so.
func open(t *testing.T) (v *live.View, letGo func(), done <-chan *campaign.Finished) {
	t.Helper()
	o := &held{Orchestrator: tinyorch.New(tinyorch.Bugs{FreshKey: true}), letGo: make(chan struct{})}
	t.Cleanup(o.Close)
	srv := httptest.NewServer(o)
	t.Cleanup(srv.Close)
	v = live.NewView()
	opts := campaign.RunOptions{Settings: campaign.Defaults(), Runs: 12}
	opts.Orchestrator, opts.Scenarios, opts.Out = srv.URL, []string{"single-step"}, t.TempDir()
	opts.Properties, opts.Settle, opts.Parallel = []string{"duplicate-effect"}, time.Minute, 8
	finished := make(chan *campaign.Finished, 1)
	go func() {
		f, err := campaign.Run(t.Context(), host(v), opts)
		if err != nil {
			t.Error(err)
			f = &campaign.Finished{Run: &results.Run{}}
		}
		v.End(live.End{Outcome: f.Run.Summary.Outcome, Report: "out/report.html"})
		finished <- f
	}()
	return v, sync.OnceFunc(func() { close(o.letGo) }), finished
}

var counted = regexp.MustCompile(`(\d+) of (\d+) cells`)

// oneLeft polls until one cell of the run is left, and gives its page, and where that cell is.
func oneLeft(t *testing.T, h http.Handler) (page, cell string) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(60 * time.Second); ; {
		_, page := get(t, h, "/")
		if n := counted.FindStringSubmatch(page); n != nil && strings.Contains(page, "Cells that run now: 1<") {
			done, _ := strconv.Atoi(n[1])
			if total, _ := strconv.Atoi(n[2]); done == total-1 {
				_, rest, _ := strings.Cut(page, "Cells that run now: 1<")
				return page, cellLink.FindStringSubmatch(rest)[1]
			}
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal(page)
		}
	}
}

var cellLink = regexp.MustCompile(`href="(/cell/[^"]+)"`)

// While a run runs its pages show how far it is, what it has found, and what happens in a cell that
// runs and in one that has ended; and then that it has ended.
func TestARunWhileItRuns(t *testing.T) {
	v, letGo, done := open(t)
	defer letGo()
	h := live.Handler(v)
	page, running := oneLeft(t, h)
	for _, words := range []string{"tinyorch", "duplicate-effect", "data-live=", " planned in those cells", `aria-label="cells"`, "single-step", "Cells that ended last"} {
		if !strings.Contains(page, words) {
			t.Errorf("no %q in\n%s", words, page)
		}
	}
	shows(t, h, running, "none yet", "submits saga", "arrives", "reports running")
	broken := cellLink.FindStringSubmatch(page)[1]
	shows(t, h, broken, "violation", "↯", "▶", "takes effect", "duplicate-effect")
	code, file := get(t, h, "/replay?property=duplicate-effect&scenario=single-step")
	r, err := results.DecodeReplay([]byte(file))
	if code != http.StatusOK || err != nil || "/cell/"+r.Cell != broken || r.Tool != "test" {
		t.Errorf("%d %v %+v: expected the replay of %s", code, err, r, broken)
	}
	letGo()
	f := <-done
	page = shows(t, h, "/", "The run has ended", "violation", "out/report.html")
	if strings.Contains(page, "Cells that run now") || strings.Contains(page, "data-live=") {
		t.Error("it is shown as if it ran", page)
	}
	if got, want := f.Run.Summary.Outcome, results.Violated; got != want {
		t.Errorf("%s: %v", got, f.Run.Summary.Reasons)
	}
	for _, c := range f.Run.Cells {
		shows(t, h, "/cell/"+c.ID, "submits saga", string(c.Verdict))
	}
}

// A page that follows a cell is sent what became of it, and one that follows the run its end; then
// neither asks again. Whoever reads nothing holds nobody up.
func TestFollow(t *testing.T) {
	v, letGo, done := open(t)
	defer letGo()
	srv, err := live.Serve(t.Context(), "127.0.0.1:0", v)
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	_, running := oneLeft(t, live.Handler(v))
	follow := func(path string) io.ReadCloser {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		return resp.Body
	}
	cell, run := follow(running[1:]+"/live"), follow("live")
	for range 3 {
		follow("live") // which nobody reads
	}
	letGo()
	<-done
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
	for body, words := range map[io.ReadCloser]string{cell: "nothing is pending any more", run: "The run has ended"} {
		sent, err := io.ReadAll(body)
		if err != nil || !strings.Contains(string(sent), words) || !strings.HasSuffix(string(sent), "event: last\ndata:\n\n") {
			t.Errorf("%v: no %q or no end in %s", err, words, sent)
		}
	}
}

// In a browser, with the keyboard alone: a cell that runs, what becomes of it, a finding with what
// proves it, and the end of the run. Nothing is wrong in the console, and nothing leaves the origin.
func TestInABrowser(t *testing.T) {
	v, letGo, done := open(t)
	defer letGo()
	srv := httptest.NewServer(live.Handler(v))
	t.Cleanup(srv.Close)
	_, running := oneLeft(t, live.Handler(v))
	b := testbrowser.Open(t, srv.URL)
	b.Visit("/")
	b.Reads("duplicate-effect", "Cells that run now: 1", "Stop following")
	b.Enter(strings.TrimPrefix(running, "/cell/"))
	b.Reads("none yet", "arrives")
	b.Named()
	letGo()
	b.Reads(" fired") // the page follows
	<-done
	b.Await(func() bool { return !strings.Contains(b.Text(), "Stop following") }, "end of following")
	b.Enter("The run")
	b.Reads("The run has ended: violation")
	b.Named()
	f, _ := strings.CutPrefix(cellLink.FindStringSubmatch(shows(t, live.Handler(v), "/"))[1], "/cell/")
	b.Enter(f)
	b.Reads("What is wrong", "↯", "▶")
	if !b.Holds(`document.querySelectorAll(".drawing svg .witness").length > 0 && getComputedStyle(document.querySelector(".drawing .line")).strokeWidth === "1.5px"`) {
		t.Error("what has ended is not drawn")
	}
	b.Named()
	b.Clean()
}

// Whatever orchestrators and services say, it is text.
func TestWhatIsSaidIsText(t *testing.T) {
	const evil = `<script>alert("1")</script>`
	v := live.NewView()
	v.Begin(results.Meta{Command: evil, Orchestrator: history.Orchestrator{Name: evil, Version: evil}, Profile: evil}, evil)
	v.Say(evil)
	v.Progress(evil, 3).Done(results.Passed)
	rec := history.NewRecorder(history.Header{Scenario: evil, Workflow: evil, Definitions: []saga.Definition{{ID: evil, Name: evil}}})
	v.Began(results.CellInfo{ID: evil, Scenario: evil, Plan: evil}, rec)
	rec.Add(history.Event{Kind: history.SagaSubmitted, Saga: evil, Detail: evil})
	rec.Add(history.Event{Kind: history.CallAnswered, Saga: evil, Step: evil, Detail: evil, Code: 500, Attempt: 1})
	v.Judged(results.Cell{ID: "c", Scenario: evil, Plan: evil, Error: evil}, []results.Failure{{
		Property: evil, Scenario: evil, Cell: evil, Broken: evil, Plan: evil, Verdict: checkers.Violation, Also: []string{evil}, Replay: &results.Replay{},
	}})
	h := live.Handler(v)
	check := func(path string) {
		t.Helper()
		if page := shows(t, h, path, "&lt;script&gt;alert("); strings.Contains(page, "<script>alert") {
			t.Errorf("%s: %s", path, page)
		}
	}
	check("/")
	check("/cell/%3Cscript%3Ealert(%221%22)%3C%2Fscript%3E")
	check("/cell/c")
	v.End(live.End{Outcome: evil, Problem: evil, Reasons: []string{evil}, Report: evil})
	check("/")
}

// Each answer says that nothing is loaded from elsewhere, run, framed or kept; who calls it by
// another name is told nothing, and a cell's id leads to no other file.
func TestClosed(t *testing.T) {
	v := live.NewView()
	v.Begin(results.Meta{}, t.TempDir())
	h := live.Handler(v)
	for path, want := range map[string]int{
		"/": 200, "/assets/pages.css": 200, "/timeline.css": 200, "/assets/follow.js": 200, "/assets/": 404, "/nowhere": 404, "/cell/none": 404,
		"/cell/..%2F..%2Freport": 404, "/replay?property=p&scenario=s": 404,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		r.Host = "localhost:1"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want || !strings.HasPrefix(w.Header().Get("Content-Security-Policy"), "default-src 'self';") {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
		r.Host = "rebound.example:1"
		w = httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusMisdirectedRequest {
			t.Errorf("%s: %d for somebody else's name", path, w.Code)
		}
	}
	for _, addr := range []string{":0", "0.0.0.0:0", "192.0.2.1:80", "example.com:80", "127.0.0.1", ""} {
		if s, err := live.Serve(t.Context(), addr, v); err == nil {
			t.Errorf("%q was taken: %v", addr, errors.Join(s.Close()))
		}
	}
}

// Where another program listens, a person is told what to do.
func TestAddressInUse(t *testing.T) {
	s, err := live.Serve(t.Context(), "127.0.0.1:0", live.NewView())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	addr := strings.Trim(strings.TrimPrefix(s.URL, "http:"), "/")
	want := fmt.Sprintf("address %q: another program listens there: choose another port, or 0 for any that is free", addr)
	if _, err := live.Serve(t.Context(), addr, live.NewView()); err == nil || err.Error() != want {
		t.Errorf("%v: expected %s", err, want)
	}
}

// Of many cells the last are kept, of many failures the smallest.
func TestManyCells(t *testing.T) {
	v := live.NewView()
	for i := range 5000 {
		id := fmt.Sprintf("c-%d", i)
		v.Judged(results.Cell{ID: id, Scenario: "s", Verdict: checkers.Violation}, []results.Failure{
			{Property: "p", Scenario: "s", Cell: id, Verdict: checkers.Violation, Faults: 5000 - i, Replay: &results.Replay{}, Plan: "smallest is " + id},
		})
	}
	h := live.Handler(v)
	shows(t, h, "/", "smallest is c-4999", "<td>5000</td>")
	shows(t, h, "/cell/c-4999", "violation")
	if code, _ := get(t, h, "/cell/c-0"); code != http.StatusNotFound {
		t.Error("all are kept")
	}
}
