package sagatest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/sagatest"
)

// asChild is set where the test's own program runs it once more, to see it fail.
const asChild = "SAGATEST_CHILD"

// artifacts is the folder where the child keeps them; empty: it keeps none.
const artifacts = "SAGATEST_ARTIFACTS"

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
	args := []string{"-test.v", "-test.timeout", "1m", "-test.run", pattern}
	if dir := os.Getenv(artifacts); dir != "" {
		args = append(args, "-test.artifacts", "-test.outputdir", dir)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
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
		"order → client   reports compensated: the saga has ended (Post \"http://payments/charges\": context deadline exceeded)",
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
	expect(t, out, "more plans break something, which -run leaves out: go test -run '^TestBugIsFound$'")
	expect(t, explored(t, orders(false), "^typo$"), "none of the plans goes by the name that -run asks for, and ")
}

// A request that comes after its undo is done by services that mind keys alone, however often it
// was sent.
func TestLateArrivalIsFound(t *testing.T) {
	s := orders(true)
	s.Participants = participants.Keyed
	expect(t, explored(t, s, ""),
		"--- FAIL: TestLateArrivalIsFound/lose_charge#1@request,_lose_charge#2@request,_delay_charge#3@request", "hanging-action: ")
}

// The history of a failure is kept where go test keeps artifacts, and can be judged again.
func TestHistoriesAreKept(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(artifacts, dir)
	out := explored(t, orders(false), "")
	if os.Getenv(asChild) != "" {
		return
	}
	_, rest, _ := strings.Cut(out, "history: sagacheck check ")
	file, _, _ := strings.Cut(rest, "\n")
	h, err := history.Load(file)
	if err != nil {
		t.Fatalf("%v in:\n%s", err, out)
	}
	lost, _ := checkers.ByName("lost-compensation")
	if v := checkers.Judge(h, []checkers.Checker{lost})[0]; v.Outcome != checkers.Violation {
		t.Errorf("judged again it is %s: expected a violation", v.Outcome)
	}
}

// Code that panics under a plan is told with the plan.
func TestPanicIsTold(t *testing.T) {
	s := orders(true)
	was := s.Start
	s.Start = func(ctx context.Context, client *http.Client, in sagatest.Input) error {
		err := was(ctx, client, in)
		if errors.Is(err, errRefused) {
			panic("refused!")
		}
		return err
	}
	expect(t, explored(t, s, ""), "plan reject charge#1@receive: the saga panicked: refused!")
}

// created is code that takes no other answer than 201.
func created(ctx context.Context, client *http.Client, _ sagatest.Input) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://payments/charges", http.NoBody)
	if err != nil {
		return err
	}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusCreated {
		return fmt.Errorf("charge: unexpected status %d", answer.StatusCode)
	}
	return nil
}

func charges(code int) sagatest.Saga {
	return sagatest.Saga{Steps: []sagatest.Step{{Name: "charge", Do: "POST http://payments/charges", Kind: saga.Pivot, Code: code}}, Start: created}
}

// Why the code gave up is told.
func TestErrorOfStartIsTold(t *testing.T) {
	expect(t, explored(t, charges(0), ""), "it ended as compensated (charge: unexpected status 200): expected completed")
}

// A service may answer with another code: the run without faults is sound.
func TestCodeOfAnswer(t *testing.T) {
	expect(t, explored(t, charges(http.StatusCreated), ""), "--- FAIL: TestCodeOfAnswer/lose_charge")
}

// What was never at risk is not green.
func TestVacuousIsNotGreen(t *testing.T) {
	s := orders(true)
	s.Properties = []string{"backoff-violation"}
	expect(t, explored(t, s, ""), "nothing was judged")
}
