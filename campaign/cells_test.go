package campaign

import (
	"os"
	"slices"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/results"
)

// shownCells is progress that remembers the outcomes.
type shownCells struct {
	unseen
	outcomes []results.State
}

func (c *shownCells) Done(outcome results.State) { c.outcomes = append(c.outcomes, outcome) }

// TestProgressOfAdvice: a cell in which there is only something to advise is not shown as
// violated.
func TestProgressOfAdvice(t *testing.T) {
	text, err := os.Open("../checkers/testdata/redundant-call/violation-callback.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	h, err := history.ParseText(text)
	if err != nil {
		t.Fatal(err)
	}
	advice, ok := checkers.ByName("redundant-call")
	if !ok {
		t.Fatal("there is no redundant-call")
	}
	shown := &shownCells{}
	x := &session{
		collector: results.New(results.Meta{Properties: []checkers.Doc{advice.Doc()}}), alike: newAlike(0, 0),
		checkers: []checkers.Checker{advice}, progress: shown,
	}
	x.judge(harness.Result{Cell: harness.Cell{ID: "a-0001"}, History: h})
	if v := checkers.Judge(h, x.checkers); v[0].Outcome != checkers.Violation {
		t.Fatalf("%v: there was nothing to advise", v)
	}
	if want := []results.State{results.Passed}; !slices.Equal(shown.outcomes, want) {
		t.Errorf("shown as %v, expected %v", shown.outcomes, want)
	}
}
