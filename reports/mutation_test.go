package reports_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers/mutation"
	"github.com/sagacheck/sagacheck/reports"
)

// A matrix of changed histories says what was seen, what survived, and how much of it
// all was looked at.
func TestPrintMutation(t *testing.T) {
	row := mutation.Row{
		Operator: mutation.Operator{Name: "second-effect", Property: "duplicate-effect"}, Mutants: 3, Killed: 1, Unjudged: 1,
		Broken: map[string]int{"duplicate-effect/twice": 1, "not-linearizable/account": 1}, Survived: []string{"c1: event 4"},
	}
	var b bytes.Buffer
	m := mutation.Matrix{Histories: 2, Rows: []mutation.Row{row}}
	if err := reports.PrintMutation(reports.Terminal{W: &b, Width: 120}, m); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"│ 1/2 ", "twice (also not-linearizable)", "second-effect survived: c1: event 4", "every place of every history was changed",
		"VIOLATION · 2 passing histories, changed at 3 places by 1 operator",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}
