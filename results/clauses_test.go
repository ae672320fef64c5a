package results_test

import (
	"slices"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/results"
)

// Open clauses are those that nothing has judged, until something does; not those of
// a property that is red anyway.
func TestOpenClauses(t *testing.T) {
	act, undo := checkers.Count{Clause: "act", Held: 1}, checkers.Count{Clause: "undo", Unjudgeable: 1, Why: "late"}
	c := results.New(samples.Meta())
	add := func(counts ...checkers.Count) []results.ClauseKey {
		c.Add(results.CellInfo{}, samples.Quiet("transfer", "c1"), []checkers.Verdict{samples.Clauses(counts...)})
		return c.Open()
	}
	if got := add(act, undo); !slices.Equal(got, []results.ClauseKey{{Property: "duplicate-effect", Clause: "undo"}}) {
		t.Errorf("got %v, want the clause that nothing judged", got)
	}
	if got := add(checkers.Count{Clause: "act", Broken: 1}, undo); len(got) > 0 {
		t.Errorf("got %v of a property that is red", got)
	}
	c = results.New(samples.Meta())
	if got := add(act, checkers.Count{Clause: "undo", Held: 1}); len(got) > 0 {
		t.Errorf("got %v, and both were judged", got)
	}
}

// A clause that is open in one scenario and was judged in another is open nowhere.
func TestOpenWith(t *testing.T) {
	undo := checkers.Count{Clause: "undo", Unjudgeable: 2, Why: "late"}
	c := results.New(samples.Meta())
	c.Add(results.CellInfo{}, samples.Quiet("order", "c1"), []checkers.Verdict{samples.Clauses(undo, checkers.Count{Clause: "act"})})
	c.Add(results.CellInfo{}, samples.Quiet("transfer", "c2"), []checkers.Verdict{samples.Clauses(checkers.Count{Clause: "undo", Held: 1}, checkers.Count{Clause: "act"})})
	r := c.Finish()
	res, ok := r.Result("duplicate-effect", "order")
	if want := "1 of its 1 clause judged in no cell: act"; !ok || res.OpenWith(r.Properties[0], "") != want {
		t.Errorf("got %q, want %q", res.OpenWith(r.Properties[0], ""), want)
	}
	if got := res.OpenWith(r.Properties[0], "undo"); got != "" {
		t.Errorf("a replay asks for undo only, and got %q", got)
	}
	if _, ok := r.Result("duplicate-effect", "nowhere"); ok {
		t.Error("there is a result of a scenario that did not run")
	}
	if got := r.Scenarios(); !slices.Equal(got, []string{"order", "transfer"}) {
		t.Errorf("scenarios %v", got)
	}
}
