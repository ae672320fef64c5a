package campaign

import (
	"slices"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/results"
)

// TestCellsToRunAlone: for each open clause the cells with the most opportunities that
// could not be judged, each cell once, best first; those that judged it are none.
func TestCellsToRunAlone(t *testing.T) {
	u := unjudged{}
	note := func(id, property string, counts ...checkers.Count) {
		u.note(harness.Cell{ID: id}, []checkers.Verdict{{Property: property, Clauses: counts}})
	}
	note("a", "p", checkers.Count{Clause: "x", Unjudgeable: 1}, checkers.Count{Clause: "y", Unjudgeable: 5})
	note("b", "p", checkers.Count{Clause: "x", Unjudgeable: 3})
	note("c", "p", checkers.Count{Clause: "x", Unjudgeable: 9, Held: 1})
	note("d", "p", checkers.Count{Clause: "x", Unjudgeable: 9, Lacks: "a capability"})
	note("e", "p", checkers.Count{Clause: "x", Unjudgeable: 2})
	note("f", "p", checkers.Count{Clause: "x", Unjudgeable: 4})
	open := []results.ClauseKey{{Property: "p", Clause: "x"}, {Property: "p", Clause: "y"}, {Property: "q", Clause: "x"}}
	for _, want := range [][]string{{"a", "f"}, {"b"}, {"e"}, nil} {
		var got []string
		for _, c := range u.next(open) {
			got = append(got, c.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("next = %v, want %v", got, want)
		}
	}
}
