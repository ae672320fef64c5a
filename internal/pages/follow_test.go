package pages_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sagacheck/sagacheck/internal/pages"
)

// A stream that has an end lasts until then: between two the end might be missed.
func TestAStreamLastsUntilItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		last := make(chan struct{})
		time.AfterFunc(time.Hour, func() { close(last) })
		w := httptest.NewRecorder()
		pages.NewStreams().Follow(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil), pages.Part{
			See: func() (string, error) { return "so it is", nil }, Last: last,
		})
		if s := w.Body.String(); !strings.HasSuffix(s, "event: last\ndata:\n\n") {
			t.Error("no end in", s)
		}
	})
}
