package campaign

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

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

// TestAloneHasAnEnd: on a machine that is so busy that cells could run once more, alone, for ever, the time for that
// is over at some time. What was not judged by then is told, with what to do, and the run is not green.
func TestAloneHasAnEnd(t *testing.T) {
	var said []string
	x := &session{
		host: Host{Say: func(text string) { said = append(said, text) }}, collector: results.New(results.Meta{}), unjudged: unjudged{},
		blurred: []harness.Cell{{ID: "a"}, {ID: "b"}},
	}
	x.s.Parallel = 64
	left, err := x.judgeOpen(t.Context(), 0)
	why, byUser := cutBy(t.Context(), err)
	const advice = "let fewer run at once (less than --parallel 64), or take a machine with less to do"
	if left != 2 || byUser || !strings.Contains(why, advice) {
		t.Fatalf("%d are left, by the user: %t, %q", left, byUser, why)
	}
	if len(said) != 2 || !strings.HasPrefix(said[1], "2 cells did not run once more: ") || !strings.HasSuffix(said[1], advice) {
		t.Errorf("said %q", said)
	}
	x.collector.LeftOut(why, left)
	if s := x.collector.Finish().Summary; s.Outcome != results.Incomplete || s.Exit != results.ExitUnproven || !strings.Contains(fmt.Sprint(s.Reasons), "2 of 2 plans not run: "+why) {
		t.Errorf("got %+v", s)
	}
}

// TestAloneIsSaidOnce: the runs of a workflow that its ways are learnt from are many, and each may leave
// clauses open; why cells run once more is news the first time.
func TestAloneIsSaidOnce(t *testing.T) {
	var said []string
	x := &session{host: Host{Say: func(text string) { said = append(said, text) }}}
	until := time.Now().Add(time.Minute)
	for _, again := range [][]harness.Cell{nil, {{ID: "a"}}, nil, {{ID: "b"}, {ID: "c"}}} {
		x.sayOpen(again, until)
	}
	if len(said) != 1 || !strings.HasPrefix(said[0], "1 cell once more, alone, for clauses") {
		t.Errorf("said %q", said)
	}
}
