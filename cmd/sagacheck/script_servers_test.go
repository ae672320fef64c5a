package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sagacheck/sagacheck/internal/tinyorch"
)

// servers are what a script may serve.
var servers = map[string]func(ts *testscript.TestScript, s *httptest.Server) http.Handler{
	"nonsense": func(*testscript.TestScript, *httptest.Server) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<h1>It works!</h1>") })
	},
	"tiny": func(ts *testscript.TestScript, _ *httptest.Server) http.Handler { return tiny(ts, tinyorch.Bugs{}) },
	// impostor sends fresh keys, and calls itself as the built-in executor does.
	"impostor": func(ts *testscript.TestScript, _ *httptest.Server) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("/", tiny(ts, tinyorch.Bugs{FreshKey: true}))
		mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"name":"reference","version":"built-in","capabilities":["pivot","idempotency-key"]}`)
		})
		return mux
	},
	// idle accepts sagas and never does anything for them.
	"idle": func(*testscript.TestScript, *httptest.Server) http.Handler { return dormant("running") },
	// hasty says at once that all is done, and calls nobody.
	"hasty": func(*testscript.TestScript, *httptest.Server) http.Handler { return dormant("completed") },
	// leaving is gone for good at its tenth saga.
	"leaving": func(ts *testscript.TestScript, s *httptest.Server) http.Handler {
		o := tiny(ts, tinyorch.Bugs{})
		var sagas atomic.Int64
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost && sagas.Add(1) == 10 {
				ts.Check(s.Listener.Close())
				s.CloseClientConnections()
			}
			o.ServeHTTP(w, r)
		})
	},
}

func tiny(ts *testscript.TestScript, bugs tinyorch.Bugs) http.Handler {
	o := tinyorch.New(bugs)
	ts.Defer(o.Close)
	return o
}

// dormant accepts every saga and reports the same status of each.
func dormant(status string) http.Handler {
	known := http.NewServeMux()
	known.HandleFunc("POST /sagas", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
	known.HandleFunc("GET /sagas/{id}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"id":%q,"status":%q}`, r.PathValue("id"), status)
	})
	known.HandleFunc("GET /sagas/sagacheck-probe", http.NotFound)
	known.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"name":"dormant"}`) })
	return known
}

func serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 || servers[args[0]] == nil {
		ts.Fatalf("usage: serve KIND; see servers")
	}
	s := httptest.NewUnstartedServer(nil)
	s.Config.Handler = servers[args[0]](ts, s)
	s.Start()
	ts.Defer(s.Close)
	ts.Setenv("URL", s.URL)
}

// feed opens a pipe for writing, which waits until somebody reads it, and writes
// nothing until the script is over.
func feed(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: feed FIFO")
	}
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_WRONLY, 0)
	ts.Check(err)
	ts.Defer(func() { _ = f.Close() })
}
