package results_test

import (
	"slices"
	"testing"

	"github.com/sagacheck/sagacheck/results"
)

// A finding is the same thing wherever findings are counted: a property, a scenario and a smallest plan. What is new and
// what is known add up to it, and a list of runs has the same number.
func TestFindingsAreCountedOnce(t *testing.T) {
	cells := [][2]string{
		{"lose a", "duplicate-effect lost-compensation"}, {"lose a, lose c", "duplicate-effect"}, {"lose b", "duplicate-effect"}, {"lose d", "lost-compensation"},
	}
	r := cellsOf(t, cells...)
	n, of := r.Findings()
	if line := r.Line().Findings; n != 3 || of != 2 || line != 3 || len(r.Shown()) != 3 {
		t.Errorf("%d findings, %d in a list of runs, %d keys", n, line, len(r.Shown()))
	}
	r = hold(t, r, nil, results.Replays{}, knows("lose b", "2027-01-31"), knows("lose e", "2027-01-31"))
	n, of = r.Findings()
	if standings(r) != "new lose a; known lose b; new lose d; not-tried lose e" || n != 3 || of != 2 || r.Line().Findings != 3 {
		t.Errorf("%s: %d findings, %d in a list of runs", standings(r), n, r.Line().Findings)
	}
	const beside = "lost-compensation was violated in 2 cells, in 1 of them told under another property"
	if !slices.Contains(r.Summary.Reasons, beside) {
		t.Errorf("the reasons are %q", r.Summary.Reasons)
	}
}

// What is broken only beside others is counted among the properties, as in the table of them: what each cell breaks must not hide it.
func TestWhatIsBrokenBesideCounts(t *testing.T) {
	r := cellsOf(t, [2]string{"lose a", "duplicate-effect lost-compensation"}, [2]string{"lose b", "duplicate-effect"})
	if n, of := r.Findings(); n != 2 || of != 2 {
		t.Errorf("%d findings of %d properties, want 2 of 2", n, of)
	}
}
