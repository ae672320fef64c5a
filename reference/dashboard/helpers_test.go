package dashboard_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/reference/api"
	"github.com/sagacheck/sagacheck/saga"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open opens an executor with its pages.
func open(t testing.TB) (*reference.Executor, http.Handler) {
	t.Helper()
	e, err := reference.Open(t.Context(), reference.Options{StoreDSN: filepath.Join(t.TempDir(), "sagas.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e, api.Handler(e)
}

// stuck is a participant whose sagas get stuck: step b is refused, and so is the undo of step a.
func stuck(c testparticipant.Call) int {
	if c.Op == "b" || c.Op == "a.undo" {
		return http.StatusUnprocessableEntity
	}
	return 0
}

func submit(t testing.TB, e *reference.Executor, d saga.Definition) {
	t.Helper()
	if err := e.Submit(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

// awaitStatus polls: the executor tells nobody by itself.
func awaitStatus(t testing.TB, e *reference.Executor, id string, want saga.Status) {
	t.Helper()
	await(t, func() bool {
		r, err := e.Status(id)
		return err == nil && r.Status == want
	})
}

func await(t testing.TB, so func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(15 * time.Second); !so(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("it never came to be")
		}
	}
}

// request asks for a page, or sends a form, with headers.
func request(h http.Handler, method, path string, form url.Values, header ...string) *httptest.ResponseRecorder {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second) // a page that follows has no end of its own
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(form.Encode()))
	r.Host = "127.0.0.1:8080"
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func get(t testing.TB, h http.Handler, path string) string {
	t.Helper()
	w := request(h, http.MethodGet, path, nil)
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	return w.Body.String()
}

// must says which of some words a page lacks.
func must(t testing.TB, page string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(page, word) {
			t.Errorf("no %q in\n%s", word, page)
		}
	}
}
