package reports_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/internal/samples"
)

// The step at which most was found comes first, with what prevents it and how to see that.
func TestWeakestSteps(t *testing.T) {
	r := samples.Red()
	second := r.Failures[0]
	second.Property, second.Also, second.Step, second.Cell = "lost-compensation", nil, "reserve", "c7"
	third := second
	third.Step, third.Cell, third.Plan = "charge", "c8", "lose charge#2@response"
	r.Failures = append(r.Failures, second, third)
	text := page(t, r)
	rows := regexp.MustCompile(`<tr data-filter data-property="[^"]*" data-scenario="order" data-step="([a-z]+)">`).FindAllStringSubmatch(text, -1)
	if len(rows) != 2 || rows[0][1] != "charge" || rows[1][1] != "reserve" {
		t.Errorf("ranked %q, want charge, reserve", rows)
	}
	for _, want := range []string{"A key for each operation, the same at each attempt", "sagacheck replay --participants fenced failures/"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}
