package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
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
	// starting answers 503 to its first three requests, as what stands before a server does until that is there.
	"starting": func(ts *testscript.TestScript, _ *httptest.Server) http.Handler {
		o := tiny(ts, tinyorch.Bugs{})
		var asked atomic.Int64
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if asked.Add(1) <= 3 {
				http.Error(w, "starting", http.StatusServiceUnavailable)
				return
			}
			o.ServeHTTP(w, r)
		})
	},
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
	// moody sends fresh keys in some sagas: of its first eleven in the first four, of the next in the second
	// to the fourth, and then never again.
	"moody": func(ts *testscript.TestScript, _ *httptest.Server) http.Handler {
		return moody(tiny(ts, tinyorch.Bugs{FreshKey: true}), tiny(ts, tinyorch.Bugs{}))
	},
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

// moody gives each new saga to one of two orchestrators, which keeps it.
func moody(bad, good http.Handler) http.Handler {
	var mu sync.Mutex
	sagas := 0
	moods := map[string]http.Handler{}
	of := func(id string, start bool) http.Handler {
		mu.Lock()
		defer mu.Unlock()
		if moods[id] == nil && !start {
			return good
		}
		if moods[id] == nil {
			sagas++
			moods[id] = good
			if sagas <= 4 || sagas >= 13 && sagas <= 15 {
				moods[id] = bad
			}
		}
		return moods[id]
	}
	mux := http.NewServeMux()
	mux.Handle("/", good)
	mux.HandleFunc("POST /sagas", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var s struct{ ID string }
		if err == nil {
			err = json.Unmarshal(body, &s)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		of(s.ID, true).ServeHTTP(w, r)
	})
	mux.HandleFunc("/sagas/{id}", func(w http.ResponseWriter, r *http.Request) { of(r.PathValue("id"), false).ServeHTTP(w, r) })
	return mux
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
