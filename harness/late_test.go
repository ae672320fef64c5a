package harness_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/internal/tinyorch"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/scenarios"
)

// TestCallOfAnEndedSaga: what an orchestrator calls for a saga whose cell is over is told, at an address
// that nobody has got since, and at one that belongs to another cell by then.
func TestCallOfAnEndedSaga(t *testing.T) {
	t.Parallel()
	s, err := scenarios.Parse("slow-undo.yaml", []byte(strings.ReplaceAll(slowUndo, "UNDO", "20")))
	if err != nil {
		t.Fatal(err)
	}
	for name, further := range map[string]int{"a free address": 0, "one that was given away": 1} {
		run, err := harness.New(harness.Options{System: tiny(t, tinyorch.Bugs{UndoAgain: 700 * time.Millisecond})})
		if err != nil {
			t.Fatal(err)
		}
		defer run.Close()
		undone := faults.Plan{Faults: []faults.Fault{{Kind: "reject", At: mustPoint("charge#1@receive")}}}
		held := faults.Plan{Faults: []faults.Fault{{Kind: "delay", At: mustPoint("charge#1@response"), DelayMS: 1500}}}
		first := harness.Cell{ID: nextID(), Scenario: s.Name, Source: s, Sagas: 1, Plan: undone, Profile: participants.Keyed}
		cells := []harness.Cell{first}
		for range further {
			cells = append(cells, harness.Cell{ID: nextID(), Scenario: s.Name, Source: s, Sagas: 1, Plan: held, Profile: participants.Keyed})
		}
		for _, cell := range cells {
			if r := run.RunCell(t.Context(), cell); r.Err != nil {
				t.Fatalf("%s: %v", name, r.Err)
			}
		}
		for end := time.Now().Add(20 * time.Second); run.Late().Calls == 0 && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		if late := run.Late(); late.Saga != first.ID+"-1" || late.First != "reserve.undo" || late.After <= 0 {
			t.Errorf("%s: told of %+v", name, late)
		}
	}
}
