package dashboard_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/reference/policies"
)

// Ten thousand sagas are listed, found and paged through; how long a page takes is logged.
func TestTenThousandSagas(t *testing.T) {
	p := testparticipant.New(t, nil)
	e, h := open(t)
	host, err := url.Parse(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	held := policies.Flag{Name: policies.HoldParticipant, Participants: []string{host.Host}, Author: "ann", Reason: "so that none ends", Expires: time.Now().Add(time.Hour)}
	if err := e.SetFlag(t.Context(), held, reference.By{}); err != nil {
		t.Fatal(err)
	}
	const many = 10_000
	var g errgroup.Group
	g.SetLimit(32) // few enough that each is durable in time on a busy machine
	for i := range many {
		g.Go(func() error {
			return e.Submit(t.Context(), p.Define(fmt.Sprintf("order-%05d", i), "reserve compensatable", "charge compensatable"))
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/":                         fmt.Sprintf("<strong>%d</strong> running", many),
		"/?after=order-04999":       "order-05049",
		"/?state=running&name=test": "order-00049",
		"/?prefix=order-0999":       "order-09999",
		"/?text=no+such+words":      "There is none.",
		"/?state=running&text=charge&after=order": "order-00049",
		"/dashboard/saga/order-05000":             "the flag hold-participant",
	} {
		best := time.Hour
		for range 5 {
			began := time.Now()
			w := request(h, http.MethodGet, path, nil)
			best = min(best, time.Since(began))
			if w.Code != http.StatusOK {
				t.Fatal(path, w.Code)
			}
			must(t, w.Body.String(), want)
		}
		t.Logf("%s: %v, the best of 5", path, best)
	}
}
