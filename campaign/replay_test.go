package campaign

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/results"
)

// What is wrong with a replay file is the user's matter, and named with file, line and field: no flag is blamed that
// nobody gave, and nothing else is run in its place.
func TestReplayRefusesBadFiles(t *testing.T) {
	r := *samples.Red().Failures[0].Replay
	r.System, r.Defects = results.System{By: results.BuiltIn, Name: Reference}, []string{"no-trace-on-compensation"}
	b, err := r.Encode("")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ old, new, want string }{
		"a kind that is none":     {"kind: lose", "kind: loose", `plan.faults[0].kind: "loose": expected one of`},
		"a step that is none":     {"charge#1@", "chrge#1@", "plan.faults[0].at: chrge#1@response: expected a step"},
		"a saga that is none":     {"kind: lose", "kind: lose\n      saga: 7", "plan.faults[0].saga: 7: expected a saga of the cell"},
		"a property that is none": {"property: " + r.Property, "property: lost", `property: property "lost": no checker has that name`},
		"a clause that is none":   {"\nscenario:", "\nclause: nope\nscenario:", `clause: "nope": expected a clause of ` + r.Property},
		"a defect that is none":   {"no-trace-on", "no-trce-on", `defects[0]: no defect is called "no-trce-on-compensation"`},
		"a profile that is none":  {"profile: naive", "profile: naiv", `profile: "naiv": expected one of naive, keyed, fenced`},
	} {
		text := strings.Replace(string(b), c.old, c.new, 1)
		if text == string(b) {
			t.Fatalf("%s: no %q in\n%s", name, c.old, b)
		}
		file := filepath.Join(t.TempDir(), "bad.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s := Defaults()
		s.Out = t.TempDir()
		_, err := Replay(t.Context(), Host{}, ReplayOptions{Settings: s, File: file, Times: 1})
		var bad *Error
		if !errors.As(err, &bad) || bad.Exit != results.ExitUsage || !strings.HasPrefix(err.Error(), file+":") || !strings.Contains(err.Error(), ": "+c.want) {
			t.Errorf("%s: %v\nexpected exit %d, %s:LINE:COLUMN: %s", name, err, results.ExitUsage, file, c.want)
		}
	}
}
