package live_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	cdpbrowser "github.com/chromedp/cdproto/browser"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/testbrowser"
	"github.com/sagacheck/sagacheck/reports/live"
	"github.com/sagacheck/sagacheck/results"
)

// begun is a run in which a cell runs.
func begun() *live.View {
	v := live.NewView()
	v.Began(results.CellInfo{ID: "c", Scenario: "s", Plan: "no fault"}, history.NewRecorder(history.Header{Scenario: "s"}))
	return v
}

// sent is all that a page which follows is sent, while something happens.
func sent(t *testing.T, v *live.View, path string, happens func()) string {
	t.Helper()
	srv := httptest.NewServer(live.Handler(v))
	defer srv.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	happens()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}

// Who follows a cell is told its end, also if nothing of it is kept, and that of the run.
func TestEachFollowerIsToldTheEnd(t *testing.T) {
	lost, cut := begun(), begun()
	for _, c := range []struct {
		view    *live.View
		happens func()
		words   string
	}{
		{lost, func() { lost.Over("c") }, "Nothing of this cell was kept"},
		{cut, func() { cut.End(live.End{Outcome: results.Incomplete}) }, "The run has ended"},
	} {
		if s := sent(t, c.view, "/cell/c/live", c.happens); !strings.Contains(s, c.words) || !strings.HasSuffix(s, "event: last\ndata:\n\n") {
			t.Errorf("no %q or no end in %s", c.words, s)
		}
	}
}

// A tab that nobody sees has the end of the run all the same; one with a cell says, when it is seen
// again, that the server has gone, and where to look.
func TestHiddenTabs(t *testing.T) {
	for page, c := range map[string]struct {
		title string
		words string
	}{
		"/":       {"The run so far", "The run has ended: pass"},
		"/cell/c": {"Cell c", "its server has gone"},
	} {
		v := begun()
		v.Begin(results.Meta{}, "the-folder")
		srv, err := live.Serve(t.Context(), "127.0.0.1:0", v)
		if err != nil {
			t.Fatal(err)
		}
		b := testbrowser.Open(t, strings.TrimSuffix(srv.URL, "/"))
		b.Visit(page)
		b.Reads(c.title, "Stop following")
		testbrowser.Window(t, b.Ctx, cdpbrowser.WindowStateMinimized)
		b.Await(func() bool { return b.Holds(`document.hidden`) }, "hidden tab")
		v.End(live.End{Outcome: results.Passed})
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		testbrowser.Window(t, b.Ctx, cdpbrowser.WindowStateNormal)
		b.Reads(c.words)
	}
}
