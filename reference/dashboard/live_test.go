package dashboard_test

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/reference/dashboard"
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

// slow is an executor that takes some time for its board, and knows when it was asked for what text.
type slow struct {
	*reference.Executor
	takes time.Duration

	mu    sync.Mutex
	asked map[string][]time.Time
}

func (s *slow) Board(q reference.BoardQuery) reference.Board {
	s.mu.Lock()
	s.asked[q.Text] = append(s.asked[q.Text], time.Now())
	s.mu.Unlock()
	time.Sleep(s.takes)
	return s.Executor.Board(q)
}

// of is when it was asked for a text.
func (s *slow) of(text string) []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[text]
}

func openSlow(t *testing.T, takes time.Duration) (*slow, *httptest.Server) {
	t.Helper()
	e, _ := open(t)
	s := &slow{Executor: e, takes: takes, asked: map[string][]time.Time{}}
	srv := httptest.NewServer(dashboard.Handler(dashboard.Options{Owner: func() (dashboard.Executor, error) { return s, nil }}))
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	t.Cleanup(srv.Close)
	return s, srv
}

// Streams that show the same are made once: each looks when it begins, and after that one looks for
// all each second.
func TestStreamsThatShowTheSame(t *testing.T) {
	p := testparticipant.New(t, nil)
	e, srv := openSlow(t, 0)
	const many = 8
	began := time.Now()
	var all []*stream
	for range many {
		s := follow(t, srv.URL+"/dashboard/live?state=any&text=b-")
		must(t, s.next(), "There is none.")
		all = append(all, s)
	}
	other := follow(t, srv.URL+"/dashboard/live?text=none")
	must(t, other.next(), "There is none.")
	for _, id := range []string{"b-1", "b-2"} {
		submit(t, e.Executor, p.Define(id, "a compensatable"))
		for _, s := range all {
			for !strings.Contains(s.next(), "dashboard/saga/"+id) { // it may have followed how the one before went on
			}
		}
	}
	if looks, most := len(e.of("b-")), many+int(time.Since(began)/time.Second); looks > most {
		t.Errorf("%d looks in %v, expected at most %d", looks, time.Since(began), most)
	}
}

// However many streams show something else each, and however long it takes to look, they look for a
// quarter of the time at the most.
func TestStreamsLeaveTimeForOthers(t *testing.T) {
	const takes, many = 50 * time.Millisecond, 8
	e, srv := openSlow(t, takes)
	for i := range many {
		follow(t, fmt.Sprintf("%s/dashboard/live?text=tab-%d", srv.URL, i)).next()
	}
	last := fmt.Sprintf("tab-%d", many-1) // when it looked first, all were there
	await(t, func() bool { return len(e.of(last)) > 1 })
	if gap := e.of(last)[1].Sub(e.of(last)[0]); gap < many*4*takes {
		t.Errorf("it looks again after %v", gap)
	}
}
