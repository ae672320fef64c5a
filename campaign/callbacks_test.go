package campaign

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/history"
)

// callbackMistakes are mistakes of the service in testdata/callbacks, whose bank answers later
// by a call of its own, and the property that must name each.
var callbackMistakes = map[string]string{
	"":         "",
	"eager":    "step-order",
	"twice":    "duplicate-effect",
	"for-ever": "stuck-saga",
	"give-up":  "lost-compensation",
	"unasked":  "partial-success",
	"deaf":     "partial-success",
	"latest":   "step-order",

	"taken":        "false-status",
	"refund-taken": "false-status",
}

// TestCallbacks tests a workflow one of whose services answers later: lost, late, twice and
// before the answer that it will.
func TestCallbacks(t *testing.T) {
	t.Parallel()
	testMistakes(t, "callbacks", callbackMistakes, strings.NewReplacer("declined:", "# declined:", "parcels:\n", "parcels:\n    optional: true\n", "kind: pivot", "optional: true"), struckCallbacks)
}

// testMistakes tests the program of a folder of testdata, right and with each of its mistakes, which the property beside it
// must name. taken edits its file where what the service only took is to be the last call; struck looks at what the
// run of the right one has left in a folder.
func testMistakes(t *testing.T, folder string, mistakes map[string]string, taken *strings.Replacer, struck func(t *testing.T, out string)) {
	t.Helper()
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(dir, folder), "./testdata/"+folder)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	plain, err := os.ReadFile(filepath.Join("testdata", folder, "workflow.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for mistake, property := range mistakes {
		file := filepath.Join(dir, "workflow-"+mistake+".yaml")
		planted := strings.Replace(string(plain), "env:\n", "env:\n        MISTAKE: \""+mistake+"\"\n", 1)
		if mistake == "taken" {
			planted = taken.Replace(planted)
		}
		written(t, file, planted)
		t.Run("mistake="+mistake, func(t *testing.T) {
			t.Parallel()
			o := RunOptions{Settings: Defaults(), Curated: true}
			o.Workflow, o.Out, o.Settle = file, t.TempDir(), 4*time.Second
			if mistake != "" {
				o.Settle = 2 * time.Second
			}
			untilNamed(&o.Settings, property)
			done, err := Run(t.Context(), Host{}, o)
			if err != nil {
				t.Fatal(err)
			}
			found(t, done.Run, property)
			if mistake == "" {
				struck(t, o.Out)
			}
		})
	}
}

// struckCallbacks checks that callbacks were lost, late, sent twice, and came before the
// answer that told of them.
func struckCallbacks(t *testing.T, out string) {
	t.Helper()
	seen := map[string]bool{}
	for _, h := range historiesIn(t, out) {
		for _, f := range h.Header.Faults {
			seen[f.Kind+" "+f.At.String()] = true
		}
		for _, o := range history.NewIndex(h).Sagas[0].Ops {
			for _, e := range o.Found {
				if a := o.Attempts[0]; e.Kind == history.CallBack && a.Pending() && len(a.Answered) > 0 && e.Passed > 0 && a.ArrivedAt() > e.Passed {
					seen["before the answer"] = true
				}
			}
		}
	}
	for _, want := range []string{
		"lose charge.callback#1@request", "lose charge.callback#1@response", "delay charge.callback#1@request",
		"duplicate charge.callback#1@request", "lose charge.undo.callback#2@request", "before the answer",
	} {
		if !seen[want] {
			t.Errorf("no cell had %s", want)
		}
	}
}

// historiesIn are those that runs have left in a folder.
func historiesIn(t *testing.T, out string) (all []*history.History) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(out, "*", "histories", "*"+history.Extension))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d histories: %v", len(files), err)
	}
	for _, file := range files {
		h, err := history.Load(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, h)
	}
	return all
}
