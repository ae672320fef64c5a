package learn

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/workflows"
)

var update = flag.Bool("update", false, "write the drafts anew")

func TestFirstFileIsAWorkflow(t *testing.T) {
	if _, err := workflows.Parse("workflow.yaml", First); err != nil {
		t.Error(err)
	}
}

// What was seen of each workflow in testdata gives the draft beside it.
func TestDrafts(t *testing.T) {
	all, err := filepath.Glob("testdata/*.json")
	if err != nil || len(all) == 0 {
		t.Fatal("no records: ", err)
	}
	for _, file := range all {
		t.Run(filepath.Base(file), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var in struct {
				Setup  Setup
				Record Record
			}
			if err := json.Unmarshal(b, &in); err != nil {
				t.Fatal(err)
			}
			draft, missing := Write(in.Setup, in.Record)
			if _, err := workflows.Parse("workflow.yaml", draft); err != nil && len(missing) == 0 {
				t.Errorf("the draft is no workflow, and nothing is said to be missing: %v", err)
			}
			got := string(draft)
			for _, m := range missing {
				got += "# needed by hand: " + m + "\n"
			}
			golden := strings.TrimSuffix(file, ".json") + ".yaml"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if string(want) != got {
				t.Errorf("another draft than %s (go test -update writes it anew):\n%s", golden, got)
			}
		})
	}
}
