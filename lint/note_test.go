package lint_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/lint"
)

// TestNoted: a draft as sagacheck learn writes it has above each line that goes against a rule what
// was found there and what is to be decided, and says nothing else than before.
func TestNoted(t *testing.T) {
	for _, name := range []string{"forms", "numbers", "shop"} {
		path := filepath.Join("../workflows/learn/testdata", name+".yaml")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		before, err := lint.Text(path, text)
		if err != nil || len(before) == 0 {
			t.Fatalf("%s: %v %v, expected findings", path, before, err)
		}
		noted, err := lint.Noted(path, text)
		if err != nil {
			t.Fatal(err)
		}
		after, err := lint.Text(path, noted)
		if err != nil || len(after) != len(before) {
			t.Fatalf("%s: %v %v, expected the same as before: %v", path, after, err, before)
		}
		lines := strings.Split(string(noted), "\n")
		for _, f := range after {
			above := lines[f.Place.Line-2]
			if !strings.Contains(above, "# TODO: lint: "+f.Rule.Name+": "+f.Place.Reason) || !strings.Contains(above, f.Rule.Why+" To decide: ") {
				t.Errorf("%s: above it stands %q", f, above)
			}
		}
	}
}
