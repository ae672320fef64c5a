package live_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/reports/live"
)

// folder is one of a run, with a secret beside it.
func folder(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	for name, text := range map[string]string{"report.html": "<h1>the report</h1>", "failures/a.yaml": "plan: {}", "../secret": "secret", "../part/histories/c1.history.jsonl": "history of c1"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../secret", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestFolder(t *testing.T) {
	root, err := os.OpenRoot(folder(t))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	h := live.Folder(root, map[string]string{
		"/part/histories/c1.history.jsonl": filepath.Join(filepath.Dir(root.Name()), "part", "histories", "c1.history.jsonl"),
		"/part/histories/c2.history.jsonl": filepath.Join(root.Name(), "gone.history.jsonl"),
		"/secret":                          filepath.Join(filepath.Dir(root.Name()), "secret"), // no history
	})
	for path, want := range map[string]struct {
		code int
		text string
	}{
		"/": {http.StatusOK, "the report"}, "/failures/a.yaml": {http.StatusOK, "plan"}, "/favicon.ico": {http.StatusNoContent, ""},
		"/../secret": {http.StatusNotFound, ""}, "/link": {http.StatusNotFound, ""}, "/none": {http.StatusNotFound, ""},
		"/secret": {http.StatusNotFound, ""}, "/part/histories/c1.history.jsonl": {http.StatusOK, "history of c1"}, "/part/histories/c2.history.jsonl": {http.StatusNotFound, ""},
	} {
		code, text := get(t, h, path)
		if code != want.code && (want.code != http.StatusNotFound || code < 400) || !strings.Contains(text, want.text) || strings.Contains(text, "secret\n") {
			t.Errorf("%s: got %d %q, want %+v", path, code, text, want)
		}
	}
}

// It shows the folder until it is told to end, under no name but its own.
func TestServeFolder(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	said, ended := make(chan string, 1), make(chan error, 1)
	dir := folder(t)
	go func() { ended <- live.ServeFolder(ctx, "127.0.0.1:0", dir, func(url string) { said <- url }) }()
	url := <-said
	for host, want := range map[string]int{"": http.StatusOK, "elsewhere.example": http.StatusMisdirectedRequest} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("as %q: %d, want %d", host, resp.StatusCode, want)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
