package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/reference/api"
)

// Many sagas are shown first, and then asked: each once, however often the command is given.
func TestReferenceOperate(t *testing.T) {
	hold := make(chan struct{})
	p := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hold }))
	defer p.Close()
	defer close(hold)
	e, err := reference.Open(t.Context(), reference.Options{StoreDSN: filepath.Join(t.TempDir(), "saga.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	srv := httptest.NewServer(api.Handler(e))
	defer srv.Close()
	for _, id := range []string{"one", "two"} {
		d := ofOneStep(id, p.URL)
		d.Name = "order"
		if err := e.Submit(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(code int, more ...string) string {
		return says(t, code, append([]string{"reference", "operate", "pause", "--server", srv.URL}, more...)...)
	}
	if out := ask(0, "--name", "order"); !strings.Contains(out, "nothing was asked of 2 sagas") || strings.Contains(out, "paused") {
		t.Error(out)
	}
	for _, want := range []string{"running; rollback", "paused by ann (a test)"} {
		out := ask(0, "--status", "running", "--author", "ann", "--reason", "a test", "--key", "k", "--yes")
		if strings.Count(out, want) != 2 || !strings.Contains(out, "2/2  two  pause: done") {
			t.Errorf("no %q in %s", want, out)
		}
	}
	if out := ask(0, "--older-than", "1h"); !strings.Contains(out, "no saga fits") {
		t.Error(out)
	}
	if out := says(t, 4, "reference", "operate", "end", "--server", srv.URL, "--saga", "one", "--saga", "nobody", "--reason", "x", "--yes"); !strings.Contains(out, "404") {
		t.Error(out)
	}
}
