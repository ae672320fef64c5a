package dashboard_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"

	"github.com/sagacheck/sagacheck/internal/testbrowser"
	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/saga"
)

// A tab that nobody sees holds no connection, of which a browser has six for a server: each of eight
// tabs is shown, and one that is looked at again shows what has happened meanwhile.
func TestTabsThatNobodySees(t *testing.T) {
	p := testparticipant.New(t, stuck)
	e, h := open(t)
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	b := testbrowser.Open(t, srv.URL)
	b.Visit("/")
	b.Reads("There is none.")
	testbrowser.Window(t, b.Ctx, cdpbrowser.WindowStateMinimized)
	for n := 2; n <= 8; n++ {
		tab, closeTab := chromedp.NewContext(b.Ctx)
		t.Cleanup(closeTab)
		if err := chromedp.Listen(tab, func(any) {}); err != nil { // it opens the tab, which lasts as long as its context
			t.Fatal(err)
		}
		within, cancel := context.WithTimeout(tab, 5*time.Second)
		_, err := chromedp.Run(within, chromedp.Navigate(fmt.Sprintf("%s/?text=tab-%d", srv.URL, n)))
		cancel()
		if err != nil {
			t.Fatalf("tab %d is not shown: %v", n, err)
		}
		testbrowser.Window(t, tab, cdpbrowser.WindowStateMinimized)
	}
	submit(t, e, p.Define("s", "a compensatable", "b compensatable"))
	awaitStatus(t, e, "s", saga.Stuck)
	testbrowser.Window(t, b.Ctx, cdpbrowser.WindowStateNormal)
	b.Reads("1 stuck")
	b.Clean()
}

// A page that does not follow says so: one that was stopped, and one for which there is no room.
func TestPagesThatDoNotFollowSaySo(t *testing.T) {
	p := testparticipant.New(t, stuck)
	e, h := open(t)
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	var all []*stream
	for range 16 {
		s := follow(t, srv.URL+"/dashboard/live")
		s.next()
		all = append(all, s)
	}
	b := testbrowser.Open(t, srv.URL)
	b.Visit("/")
	b.Reads("does not follow")
	submit(t, e, p.Define("s", "a compensatable", "b compensatable"))
	awaitStatus(t, e, "s", saga.Stuck)
	all[0].resp.Body.Close()
	b.Await(func() bool { // the server finds by itself that there is room
		b.Holds(`document.getElementById("pause").textContent !== "Follow" || !document.getElementById("pause").click()`)
		return len(b.Text()) > 0 && b.Holds(`document.getElementById("following").textContent === ""`)
	}, "room")
	b.Reads("1 stuck")
	b.TabTo("Stop following")
	b.Press(" ")
	b.Reads("stays as it is")
	b.Named()
	b.Clean()
	for _, s := range all {
		s.resp.Body.Close()
	}
}
