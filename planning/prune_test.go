package planning

import (
	"os"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

func TestSagasOfOneDefinitionHaveOneRepresentative(t *testing.T) {
	rep := representatives([]saga.Definition{chain("s-1", "a"), chain("s-2", "a"), chain("s-3", "b"), chain("s-4", "b")})
	for n, want := range map[int]int{1: 1, 2: 1, 3: 3, 4: 3} {
		if rep[n] != want {
			t.Errorf("saga %d stands for %d, want %d", n, rep[n], want)
		}
	}
}

func TestSymmetricStepsAreThoseThatNothingTellsApart(t *testing.T) {
	if n := len(symmetries(chain("s-1", "a", "b"))); n != 1 {
		t.Errorf("a chain has %d symmetries, want only the identity", n)
	}
	d := fan("s-1", "a", "b", "c")
	if n := len(symmetries(d)); n != 6 {
		t.Errorf("three equal steps side by side have %d symmetries, want 6", n)
	}
	d.Steps[2].Action.Retry.MaxAttempts = 9
	if n := len(symmetries(d)); n != 2 {
		t.Errorf("with another policy on one of them %d symmetries, want 2", n)
	}
}

func TestPlansThatSymmetryMakesEqual(t *testing.T) {
	ways := symmetries(fan("s-1", "a", "b", "c"))
	plan := func(x, y string) faults.Plan {
		return underSymmetry(faults.Plan{Faults: []faults.Fault{{Kind: "lose", At: point(x, 1, saga.Response)}, {Kind: "reset", At: point(y, 1, saga.Request)}}}, ways)
	}
	if a, b := plan("a", "b"), plan("c", "a"); a.ID() != b.ID() {
		t.Errorf("%s and %s are not the same", a, b)
	}
	if a, b := plan("a", "b"), plan("b", "b"); a.ID() == b.ID() {
		t.Errorf("two steps and one step are the same: %s", a)
	}
}

func TestOrderOfFaultsDoesNotName(t *testing.T) {
	a, b := faults.Fault{Kind: "lose", At: point("a", 1, saga.Response)}, faults.Fault{Kind: "reject", At: point("b", 1, saga.Receive)}
	if x, y := canonical(faults.Plan{Faults: []faults.Fault{a, b}}), canonical(faults.Plan{Faults: []faults.Fault{b, a}}); x.ID() != y.ID() {
		t.Errorf("%s and %s have different names", x, y)
	}
}

func TestLook(t *testing.T) {
	p := saga.RetryPolicy{AttemptTimeoutMS: 100}
	at := func(kind string, phase saga.Phase, ms int) string {
		return look(faults.Fault{Kind: kind, At: point("a", 1, phase), DelayMS: ms}, p)
	}
	alike := [][2]string{
		{at("reset", saga.Request, 0), at("truncate", saga.Request, 0)},
		{at("lose", saga.Response, 0), at("delay", saga.Response, 200)},
		{at("slow", saga.Request, 0), at("delay", saga.Request, 20)},
		{at("unavailable", saga.Receive, 0), at("error", saga.Receive, 0)},
	}
	for _, l := range alike {
		if l[0] != l[1] {
			t.Errorf("%q and %q should look alike", l[0], l[1])
		}
	}
	apart := [][2]string{
		{at("lose", saga.Request, 0), at("delay", saga.Request, 200)}, // the late one arrives
		{at("lose", saga.Request, 0), at("reset", saga.Request, 0)},   // at once, or after the time-out
		{at("error", saga.Commit, 0), at("error", saga.Receive, 0)},   // done, or not
		{at("duplicate", saga.Request, 0), at("duplicate", saga.Request, 200)},
	}
	for _, l := range apart {
		if l[0] == l[1] {
			t.Errorf("both look like %q", l[0])
		}
	}
}

func TestEveryRuleIsDocumented(t *testing.T) {
	b, err := os.ReadFile("../docs/exploration.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range Rules() {
		if row := "| " + r.Name + " | " + r.Text + " |"; !strings.Contains(string(b), row) {
			t.Errorf("docs/exploration.md lacks the line %q", row)
		}
	}
}
