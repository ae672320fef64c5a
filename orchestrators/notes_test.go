package orchestrators_test

import (
	"os"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/orchestrators"
)

// Each finding of the comparison is explained by its engine's manifest, and what that calls a surprise does not explain itself.
func TestFindingsOfTheComparisonAreExplained(t *testing.T) {
	page, err := os.ReadFile("../docs/comparison.md")
	if err != nil {
		t.Fatal(err)
	}
	_, found, _ := strings.Cut(string(page), "\n## Findings\n")
	found, _, _ = strings.Cut(found, "\n## ")
	rows := 0
	for line := range strings.Lines(found) {
		f := strings.Split(line, " | ")
		if len(f) < 6 || !strings.Contains(f[3], "/") {
			continue
		}
		rows++
		engine, property := strings.TrimPrefix(f[0], "| "), f[2]
		m, err := orchestrators.FindManifest(engine)
		if err != nil {
			t.Fatal(err)
		}
		explained := false
		for _, n := range m.Notes {
			explained = explained || n.Property == property
			if n.Says == "surprise" && strings.Contains(n.Text, "no engine can") || n.Says == "documented" && strings.Contains(n.Text, "other findings") {
				t.Errorf("%s calls %s %s: %s", engine, n.Property, n.Says, n.Text)
			}
		}
		if !explained {
			t.Errorf("%s has no note on %s", engine, property)
		}
	}
	if rows == 0 {
		t.Fatal("no finding in the page")
	}
}
