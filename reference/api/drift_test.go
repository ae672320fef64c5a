package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

func TestDriftByHTTP(t *testing.T) {
	books := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(books.Close)
	e := openTest(t, reference.Options{ReconcileEvery: 5 * time.Millisecond, ReconcileFor: time.Hour})
	h := Handler(e)
	if got := get(h, "/drift").Body.String(); got != "{\"drift\":[],\"every_ms\":5}\n" {
		t.Error(got)
	}
	if got := get(h, "/drift?saga=s"); got.Code != http.StatusNotFound {
		t.Error(got.Code, got.Body)
	}
	d := testparticipant.New(t, nil).Define("s", "a compensatable")
	d.Steps[0].ReadBack = books.URL
	if err := e.Submit(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	awaitStatus(t, e, "s", saga.Completed)
	for _, path := range []string{"/drift", "/drift?saga=s"} {
		want := `{"drift":[{"saga":"s","step":"a","what":"missing","found":"`
		for end := time.Now().Add(10 * time.Second); !strings.HasPrefix(get(h, path).Body.String(), want); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: %s", path, get(h, path).Body)
			}
		}
	}
}
