package orchestrators

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/sagacheck/sagacheck/saga"
)

// TestMain is also the engine of these tests: the test program, started again
// with SAGACHECK_TEST set, plays it.
func TestMain(m *testing.M) {
	switch os.Getenv("SAGACHECK_TEST") {
	case "engine":
		fmt.Fprintln(os.Stderr, playEngine(os.Args[1], os.Args[2]))
		os.Exit(1)
	case "parent":
		playParent(os.Args[1])
	case "":
		goleak.VerifyTestMain(m)
	}
}

// playEngine keeps sagas as files and completes them at once.
func playEngine(addr, dir string) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if started, err := os.ReadFile(filepath.Join(dir, "started")); err == nil {
			fmt.Fprintf(w, `{"started":%q}`, started)
		}
	})
	mux.HandleFunc("POST /sagas", func(w http.ResponseWriter, r *http.Request) {
		var d saga.Definition
		if err := json.NewDecoder(r.Body).Decode(&d); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if err := os.WriteFile(filepath.Join(dir, d.ID), nil, 0o644); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	})
	mux.HandleFunc("GET /sagas/{id}", func(w http.ResponseWriter, r *http.Request) {
		if _, err := os.Stat(filepath.Join(dir, r.PathValue("id"))); err != nil {
			http.NotFound(w, r)
			return
		}
		fmt.Fprintf(w, `{"id":%q,"status":"completed"}`, r.PathValue("id"))
	})
	mux.HandleFunc("POST /die", func(http.ResponseWriter, *http.Request) {
		fmt.Fprintln(os.Stderr, "out of cheese")
		os.Exit(7)
	})
	fmt.Println("engine listens on", addr)
	return http.ListenAndServe(addr, mux)
}

// playParent starts an engine, says where, and waits to be killed.
func playParent(manifest string) {
	if err := os.Setenv("SAGACHECK_TEST", "engine"); err != nil { // for the child
		panic(err)
	}
	s, err := Start(context.Background(), manifest, Options{Dir: filepath.Dir(manifest)})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(s.Base())
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt)
	<-c
}

// writeManifest writes a manifest of the test's engine and gives its path.
func writeManifest(t *testing.T, extra string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), ManifestName)
	text := `name: mine
version: "1"
base: http://127.0.0.1:${port.http}
processes:
  - name: engine
    command: ["${self}", "127.0.0.1:${port.http}", "${dir}"]
    env: {SAGACHECK_TEST: engine}
    ready: {url: "http://127.0.0.1:${port.http}/healthz"}
    crashable: true
capabilities: [dag, pivot]
` + extra
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func get(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}
