package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/orchestrators"
)

// loaded is what the runtime says of a package that was initialised.
var loaded = regexp.MustCompile(`(?m)^init (\S+) @.* ms, .* ms clock, (\d+) bytes, \d+ allocs$`)

// A process of the reference executor, of which a run with kills starts hundreds, looks through no
// processes of the machine, and packages make nothing of size before it is asked for.
func TestReferenceStartsLightly(t *testing.T) {
	machine := t.TempDir()
	for pid := 1; pid <= 2000; pid++ {
		if err := os.Mkdir(filepath.Join(machine, strconv.Itoa(pid)), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	s, err := orchestrators.Start(t.Context(), "reference", orchestrators.Options{
		Dir: dir, Keep: true, Env: map[string]string{"GODEBUG": "inittrace=1", "HOST_PROC": machine},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	logs, err := filepath.Glob(filepath.Join(dir, "*", "logs", "reference.log"))
	if err != nil || len(logs) != 1 {
		t.Fatalf("%v, %v: expected one log", logs, err)
	}
	said, err := os.ReadFile(logs[0])
	if err != nil {
		t.Fatal(err)
	}
	const most = 128 << 10 // bytes a package; 2,000 processes come to some millions
	found := false
	for _, m := range loaded.FindAllSubmatch(said, -1) {
		name := string(m[1])
		looks := name == "github.com/testcontainers/testcontainers-go/internal/core/bootstrap"
		ours := strings.HasPrefix(name, "github.com/sagacheck/") && !strings.HasSuffix(name, "/cmd/sagacheck") // whose tests are in it here
		found = found || looks
		if n, err := strconv.Atoi(string(m[2])); (looks || ours) && (n > most || err != nil) {
			t.Errorf("%s allocated %d bytes, %v: expected at most %d", name, n, err, most)
		}
	}
	if !found {
		t.Error("testcontainers is no longer in the program: the manifest's HOST_PROC can go")
	}
}
