package results_test

import (
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/results"
)

// What was not tried of a system that somebody else started is said, with what that leaves open.
func TestUntried(t *testing.T) {
	killable, not := history.Orchestrator{Name: "mine"}, history.Orchestrator{Name: "mine", Unable: []string{history.Kill, history.Pause}}
	for _, c := range []struct {
		of   history.Orchestrator
		how  results.System
		want []string
	}{
		{killable, results.System{By: results.ByManifest}, nil},
		{not, results.System{By: results.ByURL}, []string{"no kill and no pause of the orchestrator was tried (it was started by somebody else"}},
		{not, results.System{By: results.ByManifest}, []string{"(its manifest names no crashable process)"}},
		{not, results.System{By: results.ByURL, Silent: true}, []string{"started by somebody else", "claims no capabilities"}},
	} {
		r := &results.Run{Orchestrator: c.of, System: c.how}
		if r.Untried() != nil {
			t.Errorf("%v: nothing ran, and %q is said", c.how, r.Untried())
		}
		r.Totals.Cells = 1
		got := r.Untried()
		if len(got) != len(c.want) {
			t.Errorf("%v: got %q", c.how, got)
			continue
		}
		for i, want := range c.want {
			if !strings.Contains(got[i], want) {
				t.Errorf("%v: %q does not say %q", c.how, got[i], want)
			}
		}
	}
}
