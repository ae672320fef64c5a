package main

import (
	"os"
	"slices"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary be sagacheck: for scripts, and for cells that
// start the reference executor as a process of its own, workers and clients of agents.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && slices.Contains([]string{"reference", "worker", "mcp"}, os.Args[1]) {
		main()
	}
	testscript.Main(m, map[string]func(){"sagacheck": main})
}
