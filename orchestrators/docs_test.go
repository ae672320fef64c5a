package orchestrators

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const docsFile = "../docs/orchestrators.md"

// TestCapabilitiesPage compares the table at the end of the page with the
// catalogue; -update writes it anew.
func TestCapabilitiesPage(t *testing.T) {
	const head = "| capability | meaning |\n|---|---|\n"
	b, err := os.ReadFile(docsFile)
	if err != nil {
		t.Fatal(err)
	}
	before, table, found := strings.Cut(string(b), head)
	if !found {
		t.Fatalf("%s: no table of capabilities", docsFile)
	}
	var want strings.Builder
	for _, c := range Capabilities {
		fmt.Fprintf(&want, "| `%s` | %s |\n", c.Name, c.Doc)
	}
	if *update {
		if err := os.WriteFile(docsFile, []byte(before+head+want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if table != want.String() {
		t.Errorf("%s is stale: run go test ./orchestrators -run Page -update", docsFile)
	}
}

func TestEnginesPage(t *testing.T) {
	b, err := os.ReadFile(docsFile)
	if err != nil {
		t.Fatal(err)
	}
	ms, err := List()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range ms {
		if !strings.Contains(string(b), "| `"+m.Name+"` |") {
			t.Errorf("%s: %s is not in the table of engines", docsFile, m.Name)
		}
		if _, err := os.Stat(m.source.path + "/README.md"); err != nil && m.Install != nil {
			t.Errorf("%s: %v", m.Name, err)
		}
	}
}

// TestManifestsOfTheDocs: every whole manifest that the pages print is one.
func TestManifestsOfTheDocs(t *testing.T) {
	found := 0
	for _, page := range []string{"test-your-orchestrator.md", "orchestrators.md", "ci.md"} {
		text, err := os.ReadFile(filepath.Join("..", "docs", page))
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range strings.Split(string(text), "```yaml\n")[1:] {
			block, _, _ = strings.Cut(block, "```")
			if !strings.Contains("\n"+block, "\nname: ") || !strings.Contains(block, "\ncapabilities:") {
				continue
			}
			found++
			if _, err := ParseManifest(page, []byte(block)); err != nil {
				t.Errorf("%v in\n%s", err, block)
			}
		}
	}
	if found < 3 {
		t.Errorf("%d manifests found, expected 3 or more", found)
	}
}
