package sagatest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/sagatest"
)

// asChild is set where the test's own program runs it once more, to see it fail.
const asChild = "SAGATEST_CHILD"

// explored is what an exploration prints that is expected to fail. run picks subtests; empty:
// all.
func explored(t *testing.T, s sagatest.Saga, run string) string {
	t.Helper()
	if os.Getenv(asChild) != "" {
		sagatest.Explore(t, s)
		return ""
	}
	pattern := "^" + t.Name() + "$"
	if run != "" {
		pattern += "/" + run
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run", pattern)
	cmd.Env = append(os.Environ(), asChild+"=1")
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Errorf("it passed: expected it to fail:\n%s", out)
	}
	return string(out)
}

func expect(t *testing.T, out string, lines ...string) {
	t.Helper()
	if os.Getenv(asChild) != "" {
		return
	}
	for _, line := range lines {
		if !strings.Contains(out, line) {
			t.Errorf("no %q in:\n%s", line, out)
		}
	}
}

// The bug of the example is found, under its name, with the events that prove it; and its
// plan can be run again by that name.
func TestBugIsFound(t *testing.T) {
	const plan = "lose_charge#1@response,_lose_charge#2@response,_lose_charge#3@response"
	out := explored(t, orders(false), "")
	expect(t, out,
		"--- FAIL: TestBugIsFound/"+plan,
		"lost-compensation: broke all-or-nothing: saga saga-1 was left compensated, but saga-1/charge booked payments/charge:saga-1:∅→exists and was never undone",
		"▶       0.5 ms  payments         charge#1 takes effect",
		"again: go test -run '^TestBugIsFound$/^"+plan+"$'",
		"--- FAIL: TestBugIsFound/lose_reserve#1@response",
		"left out: 13 plans: the start of a saga is a call of a function",
	)
	if os.Getenv(asChild) != "" {
		return
	}
	out = explored(t, orders(false), "^"+plan+"$")
	expect(t, out, "--- FAIL: TestBugIsFound/"+plan)
	if strings.Contains(out, "TestBugIsFound/lose_reserve") {
		t.Errorf("more than the plan that was asked for ran:\n%s", out)
	}
}

// What was never at risk is not green.
func TestVacuousIsNotGreen(t *testing.T) {
	s := orders(true)
	s.Properties = []string{"backoff-violation"}
	expect(t, explored(t, s, ""), "nothing was judged")
}
