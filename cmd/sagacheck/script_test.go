package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sagacheck/sagacheck/internal/tinyorch"
)

// The scripts of testdata/script run sagacheck as a user does. Besides the
// commands of testscript they have
//
//	exits CODE [ARGS]     runs sagacheck and expects that exit code
//	serve tiny|impostor|nonsense  starts a server; its address is $URL
//	await GLOB            waits until a file is there: $FOUND, its last part $NAME
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "serve": serve, "await": await,
		},
		UpdateScripts: *update,
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: exits CODE [ARGS]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec("sagacheck", args[1:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit %d, expected %d", got, want)
	}
}

func serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: serve tiny|impostor|nonsense")
	}
	var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "<h1>It works!</h1>")
	})
	switch args[0] {
	case "tiny":
		o := tinyorch.New(tinyorch.Bugs{})
		ts.Defer(o.Close)
		h = o
	case "impostor": // sends fresh keys, and calls itself as the built-in executor does
		o := tinyorch.New(tinyorch.Bugs{FreshKey: true})
		ts.Defer(o.Close)
		mux := http.NewServeMux()
		mux.Handle("/", o)
		mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"name":"reference","version":"built-in","capabilities":["pivot","idempotency-key"]}`)
		})
		h = mux
	}
	s := httptest.NewServer(h)
	ts.Defer(s.Close)
	ts.Setenv("URL", s.URL)
}

// awaitLimit is how long await waits at most.
const awaitLimit = time.Minute

func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await GLOB")
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(awaitLimit); time.Now().Before(deadline); <-tick.C {
		found, err := filepath.Glob(ts.MkAbs(args[0]))
		ts.Check(err)
		if len(found) > 0 {
			ts.Setenv("FOUND", found[0])
			ts.Setenv("NAME", filepath.Base(found[0]))
			return
		}
	}
	entries, _ := os.ReadDir(ts.MkAbs(".")) // only for the message
	ts.Fatalf("no %s within %v, but %v", args[0], awaitLimit, entries)
}
