package checkers_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The checker that docs/writing-a-checker.md shows is one: laid into this package, it compiles.
func TestPageShowsAChecker(t *testing.T) {
	page, err := os.ReadFile("../docs/writing-a-checker.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "```go\n")
	text, _, ok := strings.Cut(text, "```")
	if !ok {
		t.Fatal("no block of Go on the page")
	}
	shown := filepath.Join(t.TempDir(), "late_notice.go")
	here, err := filepath.Abs("late_notice.go")
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {here: shown}})
	if err != nil {
		t.Fatal(err)
	}
	laid := filepath.Join(filepath.Dir(shown), "overlay.json")
	for path, b := range map[string][]byte{shown: []byte(text), laid: overlay} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.CommandContext(t.Context(), "go", "vet", "-overlay", laid, ".").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
