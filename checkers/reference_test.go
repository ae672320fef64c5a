package checkers_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
)

func TestReferenceNamesEveryChecker(t *testing.T) {
	var b bytes.Buffer
	if err := checkers.Reference(&b); err != nil {
		t.Fatal(err)
	}
	for _, c := range checkers.All() {
		d := c.Doc()
		if !strings.HasSuffix(d.Prevented, ".") {
			t.Errorf("%s: prevented by %q: expected a sentence", d.Name, d.Prevented)
		}
		for _, want := range []string{"\n## " + d.Name + "\n", "| " + strings.ReplaceAll(d.Definition, "|", `\|`) + " |", d.Prevented, d.Blind} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s: %q is missing", d.Name, want)
			}
		}
	}
}
