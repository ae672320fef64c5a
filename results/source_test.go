package results_test

import (
	"testing"

	"github.com/sagacheck/sagacheck/results"
)

func TestPlace(t *testing.T) {
	order := results.Source{Scenario: "order", File: "order.yaml", Line: 2, Steps: map[string]int{"charge": 7}}
	manifest := results.Source{File: "orchestrator.yaml", Line: 1}
	for _, c := range []struct {
		sources        []results.Source
		scenario, step string
		file           string
		line           int
	}{
		{nil, "order", "charge", "", 1},
		{[]results.Source{order}, "order", "charge", "order.yaml", 7},
		{[]results.Source{order}, "order", "charge.undo(2)", "order.yaml", 7},
		{[]results.Source{order}, "order", "charge(3)", "order.yaml", 7},
		{[]results.Source{order}, "order", "charge.callback", "order.yaml", 7},
		{[]results.Source{order}, "order", "another", "order.yaml", 2},
		{[]results.Source{order}, "order", "", "order.yaml", 2},
		{[]results.Source{order}, "transfer", "charge", "", 1},
		{[]results.Source{manifest, order}, "order", "charge", "order.yaml", 7},
		{[]results.Source{order, manifest}, "transfer", "charge", "orchestrator.yaml", 1},
		{[]results.Source{order, manifest}, "", "", "orchestrator.yaml", 1},
	} {
		r := &results.Run{Sources: c.sources}
		if file, line := r.Place(c.scenario, c.step); file != c.file || line != c.line {
			t.Errorf("%s/%s is at %s:%d, want %s:%d", c.scenario, c.step, file, line, c.file, c.line)
		}
	}
}
