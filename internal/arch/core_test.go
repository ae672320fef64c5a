package arch

import (
	"regexp"
	"strings"
	"testing"
)

// mostCore is how many lines one sitting takes.
const mostCore = 1200

// The core of the reference executor, which its package doc lists in the order in which it is
// read, stays short enough to be read in one sitting.
func TestTheCoreIsReadInOneSitting(t *testing.T) {
	_, core, found := strings.Cut(read(t, "reference/doc.go"), "The core, in one sitting:")
	core, _, ended := strings.Cut(core, "//\n")
	files := regexp.MustCompile(`\w+\.go`).FindAllString(core, -1)
	if !found || !ended || len(files) < 8 {
		t.Fatalf("the package doc of reference lists %v: expected its core", files)
	}
	lines := 0
	for _, file := range files {
		lines += strings.Count(read(t, "reference/"+file), "\n")
	}
	if lines >= mostCore {
		t.Errorf("the core of reference (%s) has %d lines: expected fewer than %d", strings.Join(files, ", "), lines, mostCore)
	}
}
