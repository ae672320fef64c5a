package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/reference"
)

func TestPoliciesByHTTP(t *testing.T) {
	e := openTest(t, reference.Options{})
	h := Handler(e)
	none := get(h, "/policies").Header().Get("ETag")
	if none == "" {
		t.Fatal("no ETag")
	}
	if w := put(t, h, "/policies", testparticipant.Policies(2)); w.Code != http.StatusPreconditionRequired {
		t.Error(w.Code, w.Body)
	}
	w := put(t, h, "/policies", testparticipant.Policies(2), "If-Match", none)
	if w.Code != http.StatusOK || w.Header().Get("ETag") != get(h, "/policies").Header().Get("ETag") {
		t.Error(w.Code, w.Body)
	}
	if w := put(t, h, "/policies", testparticipant.Policies(3), "If-Match", none); w.Code != http.StatusPreconditionFailed {
		t.Error(w.Code, w.Body)
	}
	bad := strings.Replace(strings.Replace(testparticipant.Policies(3), "jitter: 0", "jitter: 7", 1), "template: all", "template: al", 1)
	w = put(t, h, "/policies", bad, "If-Match", "*")
	if body := w.Body.String(); w.Code != http.StatusBadRequest ||
		!strings.Contains(body, `{"line":3,"column":`) || !strings.Contains(body, `"templates.all.retry.jitter"`) || !strings.Contains(body, `"bindings[0].template"`) {
		t.Error(w.Code, body)
	}
	if got := get(h, "/policies").Body.String(); got != testparticipant.Policies(2) {
		t.Errorf("a bad file changed something: %s", got)
	}
	put(t, h, "/policies", testparticipant.Policies(3), "If-Match", "*")
	if w := get(h, "/policies?version=1"); w.Body.String() != testparticipant.Policies(2) || w.Header().Get("Policies-Version") != "1" {
		t.Error(w.Code, w.Body)
	}
	if w := get(h, "/policies?version=9"); w.Code != http.StatusNotFound {
		t.Error(w.Code, w.Body)
	}
}
