package reports_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/results"
	"github.com/sagacheck/sagacheck/saga"
)

// loseSecond is another plan than that of the samples.
var loseSecond = []history.PlannedFault{{Kind: "lose", At: saga.StepRef{Step: "charge", Direction: saga.Action}.At(2, saga.Response), Text: "lose charge#2@response"}}

// The step at which most was found comes first, with what prevents it and how to see that.
func TestWeakestSteps(t *testing.T) {
	r := samples.Red()
	second := r.Failures[0]
	second.Property, second.Also, second.Step, second.Cell = "lost-compensation", nil, "reserve", "c7"
	third := second
	third.Step, third.Cell, third.Plan, third.PlanFaults = "charge.undo", "c8", "lose charge#2@response", loseSecond
	r.Failures = append(r.Failures, second, third)
	text := page(t, r)
	rows := regexp.MustCompile(`<tr data-filter data-property="[^"]*" data-scenario="order" data-step="([a-z.]+)">`).FindAllStringSubmatch(text, -1)
	if len(rows) != 2 || rows[0][1] != "charge" || rows[1][1] != "reserve" {
		t.Errorf("ranked %q, want charge, reserve", rows)
	}
	for _, want := range []string{"A key for each operation, the same at each attempt", "sagacheck replay --participants fenced failures/"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// Which protection prevents a failure is told as it was shown.
func TestProtectionIsTold(t *testing.T) {
	r := samples.Red()
	r.Failures[0].Protected = []results.Protection{{Participants: "keyed", Broken: results.Rate{Hits: 3, Tries: 3}}, {Participants: "fenced", Broken: results.Rate{Tries: 3}}}
	text := page(t, r)
	for _, want := range []string{"✗ keyed participants: broken in 3 of 3 replays", "✓ fenced participants: broken in 0 of 3 replays", "✓ fenced participants, shown"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	const want = "with keyed participants it broke in 3 of 3 replays, with fenced participants it broke in 0 of 3 replays"
	if told := strings.Join(strings.Fields(string(show(t, r))), " "); strings.Count(told, want) != 2 {
		t.Errorf("%q is not told on the terminal and in Markdown:\n%s", want, told)
	}
}

// What protects a step against one plan, and not against another, is not shown for the step.
func TestProtectionOfAllPlans(t *testing.T) {
	r := samples.Red()
	r.Failures[0].Protected = []results.Protection{{Participants: "keyed", Broken: results.Rate{Tries: 3}}}
	second := r.Failures[0]
	second.Cell, second.Plan, second.PlanFaults, second.PlanID = "c8", "lose charge#2@response", loseSecond, "p-8"
	second.Protected = []results.Protection{{Participants: "keyed", Broken: results.Rate{Hits: 3, Tries: 3}}}
	r.Failures = append(r.Failures, second)
	if text := page(t, r); strings.Contains(text, "✓ keyed participants, shown") {
		t.Error("keyed participants do not protect the step")
	}
}
