package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary be sagacheck: for scripts, and for cells that
// start the reference executor as a process of its own.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "reference" || os.Args[1] == "worker") {
		main()
	}
	testscript.Main(m, map[string]func(){"sagacheck": main})
}
