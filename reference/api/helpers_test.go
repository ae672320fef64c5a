package api

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

func TestMain(m *testing.M) {
	if os.Getenv(victimStore) != "" {
		os.Exit(victim())
	}
	goleak.VerifyTestMain(m)
}

func openTest(t testing.TB, o reference.Options) *reference.Executor {
	t.Helper()
	if o.StoreDSN == "" {
		o.StoreDSN = filepath.Join(t.TempDir(), "sagas.db")
	}
	e, err := reference.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// awaitStatus polls: the executor tells nobody by itself.
func awaitStatus(t testing.TB, e *reference.Executor, id string, want saga.Status) saga.Report {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(15 * time.Second); ; {
		r, err := e.Status(id)
		if err == nil && r.Status == want {
			return r
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("saga %q: %+v, %v", id, r, err)
		}
	}
}

func put(t *testing.T, h http.Handler, path, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodPut, path, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	r.Host = "127.0.0.1"
	h.ServeHTTP(w, r)
	return w
}

func get(h http.Handler, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = "127.0.0.1"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
