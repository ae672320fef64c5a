package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts of testdata/script run sagacheck as a user does. Besides the
// commands of testscript they have
//
//	exits CODE [ARGS]     runs sagacheck and expects that exit code
//	serve KIND            starts a server of that kind (servers); its address is $URL
//	await GLOB            waits until a file is there: $FOUND, its last part $NAME
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "serve": serve, "await": await, "feed": feed,
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
