package dashboard_test

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/saga"
)

// stream reads what a page that follows is sent.
type stream struct {
	t    *testing.T
	resp *http.Response
	in   *bufio.Scanner
}

func follow(t *testing.T, address string) *stream {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return &stream{t, resp, bufio.NewScanner(resp.Body)}
}

// next is the next part of the page.
func (s *stream) next() string {
	s.t.Helper()
	for s.in.Scan() {
		if data, ok := strings.CutPrefix(s.in.Text(), "data: "); ok {
			return data
		}
	}
	s.t.Fatal("it ended: ", s.in.Err())
	return ""
}

// A page follows what happens, and is sent nothing while nothing does.
func TestFollow(t *testing.T) {
	p := testparticipant.New(t, stuck)
	e, h := open(t)
	srv := httptest.NewServer(h)
	defer http.DefaultClient.CloseIdleConnections()
	defer srv.Close()
	all := follow(t, srv.URL+"/dashboard/live?text=b")
	if got := all.resp.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Fatal(got, all.resp.StatusCode)
	}
	must(t, all.next(), "There is none.")
	submit(t, e, p.Define("s", "a compensatable", "b compensatable"))
	awaitStatus(t, e, "s", saga.Stuck)
	must(t, all.next(), "dashboard/saga/s")
	one := follow(t, srv.URL+"/dashboard/saga/s/live")
	must(t, one.next(), "answered 422")
	one.resp.Body.Close()
	all.resp.Body.Close()
}

// So many follow at once; a browser that is one too many asks no more, and shows what it has.
func TestNotTooManyFollow(t *testing.T) {
	_, h := open(t)
	srv := httptest.NewServer(h)
	defer http.DefaultClient.CloseIdleConnections()
	defer srv.Close()
	var all []*stream
	for range 16 {
		s := follow(t, srv.URL+"/dashboard/live")
		s.next()
		all = append(all, s)
	}
	if s := follow(t, srv.URL+"/dashboard/live"); s.resp.StatusCode != http.StatusNoContent {
		t.Error(s.resp.StatusCode)
	}
	for _, s := range all {
		s.resp.Body.Close()
	}
}
