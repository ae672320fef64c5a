package dashboard_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/reference/api"
	"github.com/sagacheck/sagacheck/saga"
)

// What participants hold that is not written down is named on the page of all sagas, and told, as text,
// on that of its own, also when it is over.
func TestDrift(t *testing.T) {
	var holds atomic.Value
	const script = `<script>alert(1)</script>`
	holds.Store(`"` + script + `"`)
	books := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(holds.Load().(string))) }))
	t.Cleanup(books.Close)
	e, err := reference.Open(t.Context(), reference.Options{
		StoreDSN: filepath.Join(t.TempDir(), "sagas.db"), ReconcileEvery: 5 * time.Millisecond, ReconcileFor: time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	h := api.Handler(e)
	d := testparticipant.New(t, nil).Define("s", "a compensatable")
	d.Steps[0].ReadBack, d.Steps[0].Action.Body = books.URL, json.RawMessage(`"hello"`)
	submit(t, e, d)
	awaitStatus(t, e, "s", saga.Completed)
	await(t, func() bool { return strings.Contains(get(t, h, "/"), `<a href="/dashboard/saga/s">s</a>`) })
	must(t, get(t, h, "/"), "do not hold what is written down of 1 saga:")
	page := get(t, h, "/dashboard/saga/s")
	must(t, page, "<caption>What participants hold that is not written down</caption>", "<td>other</td>", "not yet", "&lt;script&gt;")
	if strings.Contains(page, script) {
		t.Error(page)
	}

	holds.Store(`"hello"`)
	await(t, func() bool { return !strings.Contains(get(t, h, "/"), "do not hold") })
	if page := get(t, h, "/dashboard/saga/s"); !strings.Contains(page, "<td>other</td>") || strings.Contains(page, "not yet") {
		t.Error(page)
	}
}
